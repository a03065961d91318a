/**
 * Members and claims of the consumer groups, as rows.
 *
 * A claim (group, topic, partition) is held by one session at a time:
 *
 * | held by            | wanted by me | then                                              |
 * |--------------------|--------------|---------------------------------------------------|
 * | nobody             | yes          | taken                                             |
 * | a dead session     | yes          | taken                                             |
 * | a live session     | yes, for good | `wanted_since` is set; taken once the bound is up |
 * | a live session     | meanwhile    | left to it                                        |
 * | me                 | no           | revoked; freed by `release`                       |
 * | me, then another   | –            | lost                                              |
 *
 * Dead = its advisory lock is free, or it has not been seen for the time-out
 * (a machine that vanished, a process that is frozen). Silent = not seen for a
 * part of that: it may be frozen, so it keeps what it has and is dealt no more.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { brokenAsError } from "../../database/brokenTransaction.ts"
import { ints, smallints, texts } from "../../database/columns.ts"
import { isHeldLock } from "./heldLock.ts"
import { sessionLockClass } from "./Session.ts"

export interface GroupTimes {
  /** A session that was not seen for so long is dead, ms. */
  readonly sessionTimeoutMs: number
  /** How long a revoked partition may drain before it is taken all the same, ms. */
  readonly drainBoundMs: number
}

export interface GroupKey {
  readonly group: string
  readonly topic: number
}

/** Who has been silent for this part of the time-out is dealt nothing more. */
const silentShare = 0.25

/** How often a session lets hear of itself, as a part of the time-out: so that one late time is no silence. */
export const seenShare = 0.1

/** A member whose session ended without a word. */
export interface DeadMember {
  readonly group: string
  readonly topic: number
  /** What the broker's own coordinator called it. */
  readonly memberId: string | null
}

export interface GroupView {
  /** Live sessions per "group/topic". */
  readonly members: ReadonlyMap<string, ReadonlyArray<number>>
  /** Those of them that have been silent for a while: they may be dead without it being known yet. */
  readonly silent: ReadonlySet<number>
  /** Sessions of this database that live, of any group. */
  readonly sessions: ReadonlySet<number>
  /** Claims of this session: partitions per "group/topic". */
  readonly claims: ReadonlyMap<string, ReadonlySet<number>>
  /** How many partitions topics have, by their numbers. */
  readonly partitions: ReadonlyMap<number, number>
  /** Members found dead, each in one look of one process. */
  readonly departed: ReadonlyArray<DeadMember>
}

export const slotOf = (key: GroupKey): string => `${key.group}/${key.topic}`

/** All that a look needs in one answer, since every process looks four times a second: `kind` says what a row is. */
const everything = `
  SELECT 'session' AS kind, NULL AS group_name, NULL::int2 AS topic, l.objid::int8 AS session, 0::float8 AS unseen, NULL::int4 AS partition
    FROM pg_locks l
    WHERE ${isHeldLock(String(sessionLockClass))}
  UNION ALL
  SELECT 'member', group_name, topic, session, extract(epoch FROM now() - seen_at)::float8, NULL
    FROM group_member WHERE (group_name, topic) IN (SELECT * FROM unnest($1::text[], $2::int2[]))
  UNION ALL
  SELECT 'claim', group_name, topic, session, 0, partition FROM group_claim WHERE session = $3::int8
  UNION ALL
  SELECT 'topic', NULL, id, 0, 0, partitions FROM topic WHERE id = ANY ($2::int2[])`

interface Row {
  readonly kind: "session" | "member" | "claim" | "topic"
  readonly group_name: string
  readonly topic: number
  readonly session: bigint
  /** Seconds since a member was heard of. */
  readonly unseen: number
  readonly partition: number
}

export const makeGroups = (times: GroupTimes) =>
  Effect.map(SqlClient.SqlClient, (sql) => {
    const look = Effect.fnUntraced(function* (session: number, keys: ReadonlyArray<GroupKey>) {
      const rows = yield* sql.unsafe<Row>(everything, [
        texts(keys.map((k) => k.group)),
        smallints(keys.map((k) => k.topic)),
        String(session)
      ])
      const of = (kind: Row["kind"]) => rows.filter((row) => row.kind === kind)
      const sessions = new Set(of("session").map((row) => Number(row.session)))
      const members = new Map<string, Array<number>>()
      const silent = new Set<number>()
      const dead: Array<number> = []
      for (const row of of("member")) {
        const id = Number(row.session)
        // This session lives: it is asking.
        const unseenMs = id === session ? 0 : row.unseen * 1_000
        if (id !== session && !(sessions.has(id) && unseenMs < times.sessionTimeoutMs)) {
          dead.push(id)
          continue
        }
        if (unseenMs > times.sessionTimeoutMs * silentShare) silent.add(id)
        const slot = slotOf({ group: row.group_name, topic: row.topic })
        const list = members.get(slot)
        if (list === undefined) members.set(slot, [id])
        else list.push(id)
      }
      const claims = new Map<string, Set<number>>()
      for (const row of of("claim")) {
        const slot = slotOf({ group: row.group_name, topic: row.topic })
        const set = claims.get(slot)
        if (set === undefined) claims.set(slot, new Set([row.partition]))
        else set.add(row.partition)
      }
      // A session whose lock is held but which was not seen keeps its rows: it may only be frozen and come back.
      const gone = dead.filter((id) => !sessions.has(id))
      const departed =
        gone.length === 0
          ? []
          : yield* sql.unsafe<{ group: string; topic: number; memberId: string | null }>(
              `DELETE FROM group_member WHERE session::text = ANY ($1::text[])
               RETURNING group_name AS "group", topic, member_id AS "memberId"`,
              [texts(gone.map(String))]
            )
      const partitions = new Map(of("topic").map((row) => [row.topic, row.partition]))
      return { members, silent, sessions, claims, partitions, departed } satisfies GroupView
    })

    /** Enters the group and makes the claims of its partitions where they are missing. */
    const enter = (session: number, key: GroupKey, partitions: number, memberId: string | null) =>
      brokenAsError(
        sql.withTransaction(
          Effect.gen(function* () {
            yield* sql`INSERT INTO group_claim (group_name, topic, partition)
            SELECT ${key.group}, ${key.topic}::int2, p FROM generate_series(0, ${partitions - 1}::int4) p ON CONFLICT DO NOTHING`
            yield* sql`INSERT INTO group_member (group_name, topic, session, member_id)
            VALUES (${key.group}, ${key.topic}::int2, ${BigInt(session)}, ${memberId})
            ON CONFLICT (group_name, topic, session) DO UPDATE SET seen_at = now(), member_id = excluded.member_id`
          })
        )
      )

    const leave = (session: number, key: GroupKey) =>
      Effect.andThen(
        sql`UPDATE group_claim SET session = NULL, wanted_since = NULL
          WHERE group_name = ${key.group} AND topic = ${key.topic}::int2 AND session = ${BigInt(session)}`,
        sql`DELETE FROM group_member WHERE group_name = ${key.group} AND topic = ${key.topic}::int2 AND session = ${BigInt(session)}`
      )

    const seen = (session: number) => sql`UPDATE group_member SET seen_at = now() WHERE session = ${BigInt(session)}`

    /** Tries to take `partitions`, and asks their holders for those of them in `insist`; answers what is held now. */
    const claim = (
      session: number,
      key: GroupKey,
      partitions: ReadonlyArray<number>,
      alive: ReadonlyArray<number>,
      insist: ReadonlyArray<number> = partitions
    ) =>
      sql
        .unsafe<{ partition: number }>(
          // What is decided comes from the locked rows alone: the snapshot may be older than another member's claim.
          `WITH wanted AS (
             SELECT partition, session IS NULL OR session = $5::int8 OR NOT session::text = ANY ($4::text[])
               OR wanted_since < now() - make_interval(secs => $6) AS free
             FROM (
               SELECT partition, session, wanted_since FROM group_claim
               WHERE group_name = $1 AND topic = $2 AND partition = ANY ($3::int4[]) ORDER BY partition FOR UPDATE) l),
           marked AS (
             UPDATE group_claim c SET
               session = CASE WHEN w.free THEN $5::int8 ELSE c.session END,
               wanted_since = CASE WHEN w.free THEN NULL ELSE coalesce(c.wanted_since, now()) END
             FROM wanted w
             WHERE c.group_name = $1 AND c.topic = $2 AND c.partition = w.partition
               AND (w.free OR (c.wanted_since IS NULL AND c.partition = ANY ($7::int4[])))
             RETURNING c.partition, c.session)
           SELECT partition FROM marked WHERE session = $5::int8`,
          [
            key.group,
            key.topic,
            ints(partitions),
            texts(alive.map(String)),
            String(session),
            times.drainBoundMs / 1000,
            ints(insist)
          ]
        )
        .pipe(Effect.map((rows) => rows.map((row) => row.partition)))

    const release = (session: number, key: GroupKey, partition: number) =>
      sql`UPDATE group_claim SET session = NULL, wanted_since = NULL
        WHERE group_name = ${key.group} AND topic = ${key.topic}::int2 AND partition = ${partition} AND session = ${BigInt(session)}`

    const named = (session: number, key: GroupKey, id: string) =>
      sql`UPDATE group_member SET member_id = ${id}
        WHERE group_name = ${key.group} AND topic = ${key.topic}::int2 AND session = ${BigInt(session)}`

    const commit = (key: GroupKey, partition: number, offset: number) =>
      sql`UPDATE group_claim SET committed = greatest(committed, ${BigInt(offset)})
        WHERE group_name = ${key.group} AND topic = ${key.topic}::int2 AND partition = ${partition}`

    return { look, enter, leave, seen, claim, release, named, commit }
  })
