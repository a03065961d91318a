/**
 * A member of a Kafka consumer group, by the group protocol itself: join, sync,
 * heartbeats, and again whenever the group changes. It is there for Kafka's own
 * tools, which show who takes part and how far the group is. Nobody waits for
 * it: shares are dealt and owners settled by the rows of the database, so a
 * rebalance stops nobody, and a member that is frozen in the middle of one
 * keeps no partition from another. The assignment says what comes of the rows.
 *
 * `joining` → (answer) `syncing` → (assignment) `stable`, where heartbeats are
 * sent → (the group changes, the generation is over) `joining` with the same
 * name; (the name is not known any more) `joining` as somebody new; (the
 * coordinator is gone) `joining` at the next one.
 */
import { Effect, Ref } from "effect"
import type { Scope } from "effect"
import kafkajs from "kafkajs"
import type { BrokerError } from "../BrokerError.ts"
import { shareOf } from "../shares.ts"
import type { Cluster, KafkaClient, Node } from "./client.ts"
import { lookAgain } from "./client.ts"
import { asked, kindOf } from "./refused.ts"

export interface GroupTimes {
  /** A member that was not heard of for so long is taken out of the group, ms; not below the broker's minimum (6 s). */
  readonly sessionTimeoutMs: number
  /** From one heartbeat to the next, ms: so late Kafka's tools see that the group has changed. */
  readonly heartbeatMs: number
}

export interface GroupMemberOptions extends GroupTimes {
  readonly group: string
  /** The topic's name in Kafka, and how many partitions it has now. */
  readonly topic: string
  readonly partitions: () => number
  /** Which session of the database is this process's; 0 where none is open. */
  readonly session: () => number
  /** What the coordinator calls this member now. */
  readonly named: (memberId: string) => Effect.Effect<void>
  /** Whether this process has the partition: for others it tells the coordinator nothing. */
  readonly holds: (partition: number) => boolean
}

export interface GroupMember {
  /** Tells the coordinator how far the group is; what it cannot be told now it is told when the group is joined again. */
  readonly commit: (partition: number, offset: number) => Effect.Effect<void, BrokerError>
}

/** How long the others are waited for when a group changes, ms; nobody stands still for it. */
const rebalanceMs = 30_000

const protocolName = "postroom"
const version = 1
const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol

/** What a member says of itself: the number of its session, by which shares are dealt. */
const sessionIn = (metadata: Buffer): number => {
  const userData = MemberMetadata.decode(metadata)?.userData
  return userData !== undefined && userData.length === 4 ? userData.readUInt32BE() : 0
}

const sessionData = (session: number): Buffer => {
  const data = Buffer.alloc(4)
  data.writeUInt32BE(session)
  return data
}

/** By the leader: a partition stays with its member where others come and go, and is the same in every topic. */
export const assignmentsOf = (
  members: ReadonlyArray<{ readonly memberId: string; readonly memberMetadata: Buffer }>,
  topic: string,
  partitions: number
) => {
  const sessions = members.map(({ memberMetadata }) => sessionIn(memberMetadata))
  // Two members of one session are none of ours: all but one of them get nothing.
  const first = new Map<number, string>()
  for (const [at, { memberId }] of members.entries()) if (!first.has(sessions[at]!)) first.set(sessions[at]!, memberId)
  return members.map(({ memberId }, at) => ({
    memberId,
    memberAssignment: MemberAssignment.encode({
      version,
      assignment: {
        [topic]: first.get(sessions[at]!) === memberId ? [...shareOf(sessions[at]!, sessions, partitions)] : []
      },
      userData: Buffer.alloc(0)
    })
  }))
}

interface Standing {
  readonly node: Node
  readonly memberId: string
  readonly generation: number
}

const groupChanged = new Set(["REBALANCE_IN_PROGRESS", "ILLEGAL_GENERATION"])

/** Takes part in the group as long as the scope is open, and leaves it at its end. */
export const makeGroupMember = (
  client: KafkaClient,
  options: GroupMemberOptions
): Effect.Effect<GroupMember, BrokerError, Scope.Scope> =>
  Effect.gen(function* () {
    const { group, topic } = options
    const cluster: Cluster = yield* client.cluster
    const standing = yield* Ref.make<Standing | null>(null)
    let memberId = ""
    /** The question to join that is on its way: its answer may tell the name that has to be taken out again. */
    let joining: Promise<unknown> = Promise.resolve()
    let coordinator: Node | null = null
    /** How far partitions are of which the coordinator has not been told. */
    const owed = new Map<number, number>()

    const pay = Effect.gen(function* () {
      const at = yield* Ref.get(standing)
      for (const partition of owed.keys()) if (!options.holds(partition)) owed.delete(partition)
      if (at === null || owed.size === 0) return
      const told = [...owed]
      yield* asked("commit")(() =>
        at.node.offsetCommit({
          groupId: group,
          groupGenerationId: at.generation,
          memberId: at.memberId,
          topics: [{ topic, partitions: told.map(([partition, offset]) => ({ partition, offset: String(offset) })) }]
        })
      )
      for (const [partition, offset] of told) if (owed.get(partition) === offset) owed.delete(partition)
    })

    /** Whose name the coordinator does not know any more asks for another. */
    const ask = <A>(question: () => Promise<A>) =>
      asked("take part in the group")(() =>
        question().catch((cause) => {
          if (kindOf(cause) === "UNKNOWN_MEMBER_ID") memberId = ""
          throw cause
        })
      )

    const join = Effect.gen(function* () {
      const node = yield* ask(() => cluster.findGroupCoordinator({ groupId: group }))
      const session = options.session()
      const partitions = options.partitions()
      coordinator = node
      const question = () =>
        node.joinGroup({
          groupId: group,
          sessionTimeout: options.sessionTimeoutMs,
          rebalanceTimeout: rebalanceMs,
          memberId,
          groupProtocols: [
            {
              name: protocolName,
              metadata: MemberMetadata.encode({ version, topics: [topic], userData: sessionData(session) })
            }
          ]
        })
      const joined = yield* ask(() => {
        const answer = question().then((told) => {
          memberId = told.memberId
          return told
        })
        joining = answer.catch(() => undefined)
        return answer
      })
      // Before Kafka counts on it: whoever finds this process dead knows by which name to take it out.
      yield* options.named(memberId)
      yield* ask(() =>
        node.syncGroup({
          groupId: group,
          generationId: joined.generationId,
          memberId,
          groupAssignment: joined.leaderId === joined.memberId ? assignmentsOf(joined.members, topic, partitions) : []
        })
      )
      yield* Ref.set(standing, { node, memberId, generation: joined.generationId })
      yield* Effect.ignore(pay)
      return { node, generation: joined.generationId, session, partitions }
    })

    const life = Effect.gen(function* () {
      while (options.session() === 0) yield* Effect.sleep("20 millis")
      const { node, generation, session, partitions } = yield* join
      while (true) {
        yield* Effect.sleep(options.heartbeatMs)
        // Shares are dealt by sessions: another session is another member.
        if (options.session() !== session) return
        // So are they where there are more of them: whoever leads the group deals them again.
        if (options.partitions() !== partitions) return
        const isOver = yield* ask(() =>
          node.heartbeat({ groupId: group, groupGenerationId: generation, memberId }).then(
            () => false,
            (cause) => {
              if (groupChanged.has(kindOf(cause))) return true
              throw cause
            }
          )
        )
        if (isOver) return
      }
    })

    const keptAlive = life.pipe(
      Effect.catch((error) =>
        Effect.gen(function* () {
          yield* Effect.logDebug("the consumer group is joined again", error.message)
          yield* Effect.ignore(asked("read the cluster")(() => lookAgain(cluster)))
          yield* Effect.sleep("200 millis")
        })
      ),
      Effect.forever
    )
    yield* Effect.forkScoped(keptAlive)
    // Also while it joins: Kafka would wait for one that is gone until its session is over, and show no group meanwhile.
    const leave = asked("leave the group")(async () => {
      await joining
      if (coordinator !== null && memberId !== "") await coordinator.leaveGroup({ groupId: group, memberId })
    })
    yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeoutOption(leave, "1 second")))

    return {
      commit: (partition, offset) =>
        Effect.suspend(() => {
          owed.set(partition, offset)
          return pay
        })
    } satisfies GroupMember
  })

/** Has a member leave of whom it is known that it is dead, so that the group shows who lives (LeaveGroup). */
export const evict = (cluster: Cluster, group: string, memberId: string): Effect.Effect<void, BrokerError> =>
  asked("evict a dead member")(async () => {
    const node = await cluster.findGroupCoordinator({ groupId: group })
    await node.leaveGroup({ groupId: group, memberId })
  })
