/** What an installation does by itself and at its own times: files that nobody refers to are swept every hour. */
import { Clock, Effect } from "effect"
import { nextTick } from "../domain/Schedule.ts"
import type { Timing } from "../domain/Schedule.ts"
import { Journal } from "../journal/Journal.ts"
import { contentCommands } from "../topics/contentCommands.ts"

const hourly: Timing = { kind: "every", everyMs: 3_600_000, from: 0 }

/** Sees that the schedule is there; one that somebody paused stays paused. */
export const scheduleChores = Effect.gen(function* () {
  const journal = yield* Journal
  const now = yield* Clock.currentTimeMillis
  const known = (yield* journal.schedules).find(({ id }) => id === "content:sweep")
  yield* journal.putSchedule({
    id: "content:sweep",
    topic: contentCommands.name,
    // One at a time: all of them have one mailbox.
    user: "files",
    type: contentCommands.type,
    data: JSON.stringify({ kind: "sweep" }),
    timing: hourly,
    misfire: "once",
    paused: known?.paused ?? false,
    nextAt: nextTick(hourly, now),
    lastAt: known?.lastAt ?? null
  })
})
