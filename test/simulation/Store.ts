/**
 * The one place that all processes share: topics and journal in memory, run by
 * a server that never dies, with taps that note what takes place in it. A
 * process gets both ports by way of the network.
 */
import { Context, Effect, Exit, Queue, Scope } from "effect"
import { Broker } from "../../src/broker/Broker.ts"
import type { MemberEvent, Membership } from "../../src/broker/Broker.ts"
import { BrokerError, BrokerUnavailable } from "../../src/broker/BrokerError.ts"
import { makeMemoryBroker } from "../../src/broker/memory/MemoryBroker.ts"
import type { OutgoingRecord } from "../../src/broker/Record.ts"
import { Journal } from "../../src/journal/Journal.ts"
import { JournalError, JournalUnavailable } from "../../src/journal/JournalError.ts"
import { makeMemoryJournal } from "../../src/journal/memory/MemoryJournal.ts"
import { isApplied } from "../../src/journal/memory/MemoryTables.ts"
import type { Chance } from "./Chance.ts"
import type { Line, OpName, Tick } from "./History.ts"
import type { Kernel, Process } from "./Kernel.ts"
import type { CallOptions, Network } from "./Network.ts"
import { InServer } from "./Network.ts"

/** A line without its time and place. */
export type Note = Line extends infer L ? (L extends Line ? Omit<L, "t" | "p"> : never) : never

export interface StoreOptions {
  readonly kernel: Kernel
  readonly server: Process
  readonly network: Network
  readonly chance: Chance
  readonly note: (process: Process, line: Note) => void
  /** Context of effects that run in a process. */
  readonly base: (process: Process) => Context.Context<never>
}

const journalUnanswered = () =>
  new JournalError({ operation: "call", reason: new JournalUnavailable({ detail: "a simulated fault" }) })

const brokerUnanswered = () =>
  new BrokerError({ operation: "call", reason: new BrokerUnavailable({ detail: "a simulated fault" }) })

/** `effect`, and what it answered is told to `see` at once. */
const seen = <A, E, R>(effect: Effect.Effect<A, E, R>, see: (answer: A) => void): Effect.Effect<A, E, R> =>
  Effect.map(effect, (answer) => {
    see(answer)
    return answer
  })

/** A member's stay in its group; it ends when the server gives the member up. */
interface Session {
  readonly scope: Scope.Closeable
  readonly membership: Membership
  readonly held: Set<number>
  open: boolean
}

interface Member {
  readonly process: Process
  readonly group: string
  readonly topic: string
  readonly events: Queue.Queue<MemberEvent>
  readonly facade: Membership
  session: Session | null
  left: boolean
}

export const makeStore = (options: StoreOptions) =>
  Effect.gen(function* () {
    const { kernel, server, network, chance, note } = options
    const { broker } = yield* makeMemoryBroker
    const { journal, tables } = yield* makeMemoryJournal
    const members = new Set<Member>()
    const buried = new Set<Process>()
    let looks = 0

    const inServer = Context.add(options.base(server), InServer, true)
    const onServer = <A, E>(effect: Effect.Effect<A, E>) => Effect.runForkWith(inServer)(effect)

    const appended = (process: Process, records: ReadonlyArray<OutgoingRecord>) =>
      seen(broker.append(records), (positions) =>
        note(process, { k: "append", records: records.map((record, i) => ({ ...record, ...positions[i]! })) })
      )

    const openSession = (member: Member) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const membership = yield* Scope.provide(broker.join({ group: member.group, topic: member.topic }), scope)
        const session: Session = { scope, membership, held: new Set(), open: true }
        member.session = session
        // A connection keeps the order, in whatever order its process does things.
        const inbox: Array<MemberEvent> = []
        const pump = Effect.gen(function* () {
          const event = yield* Queue.take(membership.events)
          if (event._tag === "Assigned") for (const p of event.partitions) session.held.add(p)
          // As every broker: who does not take what was read is given no more.
          while (event._tag === "Records" && Queue.sizeUnsafe(member.events) + inbox.length > 1) yield* Effect.sleep(5)
          inbox.push(event)
          kernel.push(member.process, () => {
            const first = inbox.shift()!
            if (session.open) Queue.offerUnsafe(member.events, first)
          })
        })
        yield* Effect.forkIn(Effect.forever(pump), scope)
        // Its process may have died while the member came in.
        if (member.left) yield* closeSession(session)
      })

    const closeSession = (session: Session) =>
      Effect.suspend(() => {
        session.open = false
        return Scope.close(session.scope, Exit.void)
      })

    /** The server gives a member up; the member learns of it later and joins again. */
    const expire = (member: Member, toldAfterMs: number): void => {
      const { session, process, group } = member
      if (session === null || !session.open || member.left) return
      note(process, { k: "expired", queue: group })
      onServer(closeSession(session))
      kernel.after(process, toldAfterMs, () => {
        if (member.left) return
        Queue.offerUnsafe(member.events, { _tag: "Lost", partitions: [...session.held] })
        member.session = null
        onServer(Effect.suspend(() => (member.left ? Effect.void : openSession(member))))
      })
    }

    /** What a process sees of the topics. */
    const brokerOf = (process: Process): Broker["Service"] => {
      const call = <A>(
        name: string,
        effect: Effect.Effect<A, BrokerError>,
        more: Partial<CallOptions<BrokerError>> = {}
      ) => network.call(process, { name, unanswered: brokerUnanswered, ...more }, effect)
      const surely = <A>(name: string, effect: Effect.Effect<A>) => network.call(process, { name }, effect)

      const facadeOf = (member: () => Member): Membership => {
        const current = (use: (membership: Membership) => Effect.Effect<void, BrokerError>) =>
          Effect.suspend(() => {
            const { session } = member()
            return session === null || !session.open ? Effect.void : use(session.membership)
          })
        const queue = () => member().group
        // Where it reads is known to the member itself: that takes no way.
        const at = (effect: Effect.Effect<void, BrokerError>) =>
          Effect.orDie(Effect.suspend(() => (process.state === "dead" ? Effect.never : effect)))
        return {
          isSure: () => true,
          holds: () => true,
          get events() {
            return member().events
          },
          seek: (partition, offset) =>
            at(
              current((m) => {
                note(process, { k: "seek", queue: queue(), partition, offset })
                return m.seek(partition, offset)
              })
            ),
          pause: (partitions) => at(current((m) => m.pause(partitions))),
          resume: (partitions) => at(current((m) => m.resume(partitions))),
          commit: (partition, offset) =>
            call(
              "commit offset",
              current((m) => {
                note(process, { k: "told", queue: queue(), partition, offset })
                return m.commit(partition, offset)
              })
            ),
          release: (partition) =>
            call(
              "release partition",
              Effect.suspend(() => {
                member().session?.held.delete(partition)
                return current((m) => m.release(partition))
              })
            )
        }
      }

      return {
        ensureTopics: (topics) => call("ensure topics", broker.ensureTopics(topics)),
        append: (records) => call("append", appended(process, records), { mayBeLate: true }),
        handOver: (records) => call("append", appended(process, records), { mayBeLate: true }),
        join: ({ group, topic }) =>
          Effect.gen(function* () {
            const member: Member = {
              process,
              group,
              topic,
              events: yield* Queue.unbounded<MemberEvent>(),
              facade: facadeOf(() => member),
              session: null,
              left: false
            }
            yield* Effect.addFinalizer(() =>
              surely(
                "leave",
                Effect.suspend(() => {
                  member.left = true
                  members.delete(member)
                  return member.session === null ? Effect.void : closeSession(member.session)
                })
              )
            )
            yield* surely(
              "join",
              Effect.orDie(
                Effect.suspend(() => {
                  if (buried.has(process)) return Effect.void
                  members.add(member)
                  return openSession(member)
                })
              )
            )
            return member.facade
          }),
        read: (of) => call("read", broker.read(of)),
        ends: (topic) => call("ends", broker.ends(topic)),
        lag: (group, topic) => call("lag", broker.lag(group, topic)),
        expire: call("expire", broker.expire)
      }
    }

    /** What a process sees of the journal. */
    const journalOf = (process: Process): Journal["Service"] => {
      const call = <A, E, R>(
        name: string,
        effect: Effect.Effect<A, E, R>,
        more: Partial<CallOptions<E | JournalError>> = {}
      ): Effect.Effect<A, E | JournalError, R> =>
        network.call<A, E | JournalError, R>(process, { name, unanswered: journalUnanswered, ...more }, effect)
      const op = <A extends boolean | void>(
        name: OpName,
        target: string,
        effect: Effect.Effect<A, JournalError>,
        tick?: Tick
      ) =>
        call(
          name,
          seen(effect, (answer) =>
            note(process, { k: "opApplied", op: name, target, answer: answer !== false, ...(tick && { tick }) })
          )
        )
      const tapped = { ...journal }
      return {
        ...tapped,
        register: (queues) => call("register", journal.register(queues)),
        lease: (of) =>
          seen(
            call(
              "lease",
              seen(journal.lease(of), (lease) =>
                note(process, { k: "lease", queue: of.queue, partition: of.partition, ...lease })
              ),
              { mayBeLate: true }
            ),
            ({ epoch }) => note(process, { k: "owns", queue: of.queue, partition: of.partition, epoch })
          ),
        release: (of) =>
          call(
            "release",
            seen(journal.release(of), () => note(process, { k: "release", ...of })),
            { mayBeLate: true }
          ),
        unfinished: (of) => call("unfinished", journal.unfinished(of)),
        lastUnfinished: (of) => call("last unfinished", journal.lastUnfinished(of)),
        backlog: (of) => call("backlog", journal.backlog(of)),
        pending: (ids) => call("pending", journal.pending(ids)),
        known: (ids) => call("known", journal.known(ids)),
        task: (id) => call("task", journal.task(id)),
        steps: (task) => call("steps", journal.steps(task)),
        states: (queue, key) => call("states", journal.states(queue, key)),
        commit: <E, R>(batch: Parameters<typeof journal.commit>[0], alongside: Effect.Effect<unknown, E, R>) =>
          call(
            "commit",
            Effect.suspend(() => {
              // What took effect before is not written again: of a repeat there is nothing to tell.
              if (isApplied(tables, batch)) return journal.commit(batch, alongside)
              const { positions, tasks, attempts, steps, states, skips } = batch
              return seen(journal.commit(batch, alongside), (stale) =>
                note(process, { k: "commit", positions, tasks, attempts, steps, states, skips, stale })
              )
            })
          ),
        controls: Effect.suspend(() => {
          let look = 0
          const read = seen(journal.controls, () => {
            look = ++looks
            note(process, { k: "controlsRead", look })
          })
          return seen(call("controls", read), () => note(process, { k: "controlsKnown", look }))
        }),
        watchControls: (changed) => journal.watchControls(() => kernel.after(process, chance.below(20), changed)),
        pauseQueue: (queue, paused, by) =>
          op(paused ? "pauseQueue" : "resumeQueue", queue, journal.pauseQueue(queue, paused, by)),
        pauseKey: (key, paused, by) =>
          op(paused ? "pauseKey" : "resumeKey", Buffer.from(key).toString("latin1"), journal.pauseKey(key, paused, by)),
        askedToCancel: (tasks, flows) => call("asked to cancel", journal.askedToCancel(tasks, flows)),
        requestCancel: (task, by) => op("cancel", task, journal.requestCancel(task, by)),
        requestFlowCancel: (flow, by) => op("cancelFlow", flow, journal.requestFlowCancel(flow, by)),
        requestRetry: (task, by) => op("retry", task, journal.requestRetry(task, by)),
        accept: <E, R>(
          events: Parameters<typeof journal.accept>[0],
          alongside: (fresh: Parameters<typeof journal.accept>[0]) => Effect.Effect<unknown, E, R>
        ) => call("accept", journal.accept(events, alongside), { mayBeLate: true }),
        putSchedule: (schedule) =>
          op("putSchedule", schedule.id, journal.putSchedule(schedule), {
            kind: schedule.timing.kind === "at" ? "at" : "every",
            at: schedule.nextAt ?? 0,
            everyMs: schedule.timing.kind === "every" ? schedule.timing.everyMs : 0,
            misfire: schedule.misfire
          }),
        removeSchedule: (id) => op("removeSchedule", id, journal.removeSchedule(id)),
        schedules: call("schedules", journal.schedules),
        dueSchedules: (now, tick) => call("due schedules", journal.dueSchedules(now, tick))
      }
    }

    /** Both ports, for one process. */
    const portsOf = (process: Process): Context.Context<Broker | Journal> =>
      Context.add(Context.add(options.base(process), Broker, brokerOf(process)), Journal, journalOf(process))

    return {
      broker,
      journal,
      tables,
      portsOf,
      onServer,
      append: appended,
      /** The server notices that a process is gone. */
      bury: (process: Process) => {
        buried.add(process)
        for (const member of members) {
          if (member.process !== process) continue
          member.left = true
          members.delete(member)
          const { session } = member
          if (session !== null && session.open) onServer(closeSession(session))
        }
      },
      expire: (process: Process, group: string, toldAfterMs: number) => {
        for (const member of members) {
          if (member.process === process && member.group === group) expire(member, toldAfterMs)
        }
      },
      /** Somebody joins a group for a while and does nothing there. */
      disturb: (group: string, topic: string, forMs: number) => {
        onServer(
          Effect.scoped(
            Effect.gen(function* () {
              const { events, release } = yield* broker.join({ group, topic })
              const giveBack = Effect.forever(
                Effect.gen(function* () {
                  const event = yield* Queue.take(events)
                  if (event._tag === "Revoked") {
                    yield* Effect.forEach(event.partitions, release, { discard: true })
                  }
                })
              )
              yield* Effect.forkScoped(giveBack)
              yield* Effect.sleep(forMs)
            })
          )
        )
      }
    }
  })

export type Store = Effect.Success<ReturnType<typeof makeStore>>
