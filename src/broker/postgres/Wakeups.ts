/**
 * Tells sleeping readers that a topic has grown: at once for appends of this
 * process, by NOTIFY for those of others, and by a slow look at the ends as a
 * safety net. Commits that carry a NOTIFY queue up behind each other, so under
 * load it is sent after the commit, once for many; an append after a pause
 * takes it along, which saves its reader a round trip.
 */
import { PgClient } from "@effect/sql-pg"
import { Clock, Effect, Queue, Schedule } from "effect"
import { makeSignal } from "../Signal.ts"

/** The channel of Postgres on which processes tell each other what has grown. */
export const channel = "postroom_record"

// Nothing is lost with a note that a crash loses: it need not wait for the disk, nor have others wait.
const notify = `SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)`

/** So long must nothing have been appended here for an append to take its NOTIFY along, ms. */
const pauseMs = 5

export interface Wakeups {
  /** Rings `wake` whenever `topic` may have grown, until the scope ends. */
  readonly subscribe: (topic: number, wake: () => void) => () => void
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
    const bells = new Map<number, Set<() => void>>()
    const pending = new Set<number>()
    const outgoing = makeSignal()
    const clock = yield* Clock.Clock
    let appendedAt = 0

    const ring = (topic: number) => {
      for (const bell of bells.get(topic) ?? []) bell()
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
        for (const topic of bells.keys()) ring(topic)
        while (true) {
          const note = yield* Queue.take(inbox)
          for (const topic of note.payload.split(",")) ring(Number(topic))
        }
      })
    )
    yield* Effect.forkScoped(
      listen.pipe(
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
      subscribe: (topic, wake) => {
        let set = bells.get(topic)
        if (set === undefined) bells.set(topic, (set = new Set()))
        set.add(wake)
        return () => set.delete(wake)
      },
      grown: (topics) => {
        const some = others()
        for (const topic of topics) {
          ring(topic)
          if (some) pending.add(topic)
        }
        if (some) outgoing.ring()
      },
      ring
    } satisfies Wakeups
  })
