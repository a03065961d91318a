/**
 * Tells sleeping readers that a topic has grown: at once for appends of this
 * process, by NOTIFY for those of others, and by a slow look at the ends as a
 * safety net. Commits that carry a NOTIFY queue up behind each other, so under
 * load it is sent after the commit, once for many; an append after a pause
 * takes it along, which saves its reader a round trip.
 */
import { PgClient } from "@effect/sql-pg"
import { Clock, Effect, Latch, Queue, Schedule } from "effect"
import { makeSignal } from "../Signal.ts"
import { readNote } from "./Note.ts"
import type { NotedRecord } from "./Note.ts"

/** The channel of Postgres on which processes tell each other what has grown. */
export const channel = "postroom_record"

// Nothing is lost with a note that a crash loses: it need not wait for the disk, nor have others wait.
const notify = `SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)`

/** So long must nothing have been appended here for an append to take its NOTIFY along, ms. */
const pauseMs = 5

/** Called when a topic may have grown, with what was appended to it where the note says so. */
export type Bell = (record: NotedRecord | null) => void

export interface Wakeups {
  /** Rings `bell` whenever `topic` may have grown, until the answer is called. */
  readonly subscribe: (topic: number, bell: Bell) => () => void
  /** After a commit: wakes this process, and others where there are any. */
  readonly grown: (topics: Iterable<number>) => void
  /** What an append should notify of in its own transaction; null where `grown` is to tell after the commit. */
  readonly noteOf: (topics: Iterable<number>) => string | null
  /** Rings the readers of `topic` in this process. */
  readonly ring: (topic: number) => void
  /** The same for several. */
  readonly ringAll: (topics: Iterable<number>) => void
}

/** `others()` says whether another process could be listening. */
export const makeWakeups = (others: () => boolean) =>
  Effect.gen(function* () {
    const pg = yield* PgClient.PgClient
    const bells = new Map<number, Set<Bell>>()
    const pending = new Set<number>()
    const outgoing = makeSignal()
    const reads = Latch.makeUnsafe()
    const clock = yield* Clock.Clock
    let appendedAt = 0

    const ring = (topic: number, record: NotedRecord | null = null) => {
      for (const bell of bells.get(topic) ?? []) bell(record)
    }

    const send = Effect.gen(function* () {
      yield* outgoing.wait
      if (pending.size === 0) return
      const payload = [...pending].join(",")
      pending.clear()
      yield* pg.unsafe(notify, [channel, payload])
    })
    // A lost NOTIFY only costs the wait for the slow look.
    yield* Effect.forkScoped(Effect.forever(Effect.catch(send, (error) => Effect.logDebug("notify", error.message))))

    const listen = Effect.scoped(
      Effect.gen(function* () {
        const inbox = yield* pg.listen(channel)
        // What was said before it listened.
        for (const topic of bells.keys()) ring(topic)
        while (true) {
          const { topics, record } = readNote((yield* Queue.take(inbox)).payload)
          for (const topic of topics) ring(topic, record)
        }
      })
    )
    // Who reads nothing need not be woken by every append of the others.
    yield* Effect.forkScoped(
      Effect.andThen(reads.await, listen).pipe(
        Effect.tapError((error) => Effect.logDebug("listening to the database ended, listening again", error.message)),
        Effect.retry(Schedule.spaced("500 millis"))
      )
    )

    const ringAll = (topics: Iterable<number>) => {
      for (const topic of topics) ring(topic)
    }

    return {
      ringAll,
      noteOf: (topics) => {
        const now = clock.currentTimeMillisUnsafe()
        const isPaused = now - appendedAt >= pauseMs
        appendedAt = now
        return isPaused && others() ? [...topics].join(",") : null
      },
      subscribe: (topic, bell) => {
        let set = bells.get(topic)
        if (set === undefined) bells.set(topic, (set = new Set()))
        set.add(bell)
        reads.openUnsafe()
        return () => set.delete(bell)
      },
      grown: (topics) => {
        const some = others()
        for (const topic of topics) {
          ring(topic)
          if (some) pending.add(topic)
        }
        if (some) outgoing.ring()
      },
      ring: (topic) => ring(topic)
    } satisfies Wakeups
  })
