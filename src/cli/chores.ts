/**
 * What an installation does by itself and at its own times: files that nobody refers to any more are swept every hour,
 * those that were never an item's every night; what was deleted long ago is removed for good every hour.
 */
import { Clock, Effect } from "effect"
import { nextTick } from "../domain/Schedule.ts"
import type { Timing } from "../domain/Schedule.ts"
import { Journal } from "../journal/Journal.ts"
import { contentCommands } from "../topics/contentCommands.ts"
import type * as Topic from "../topics/Topic.ts"

interface Chore {
  readonly id: string
  readonly timing: Timing
  readonly command: Topic.ValueOf<typeof contentCommands>
}

const chores: ReadonlyArray<Chore> = [
  { id: "content:sweep", timing: { kind: "every", everyMs: 3_600_000, from: 0 }, command: { kind: "sweep" } },
  {
    id: "content:orphans",
    timing: { kind: "cron", expression: "17 3 * * *", timeZone: "UTC" },
    command: { kind: "sweep", orphans: true }
  },
  {
    id: "content:deleted",
    timing: { kind: "cron", expression: "37 * * * *", timeZone: "UTC" },
    command: { kind: "purgeDeleted" }
  }
]

/** Sees that the schedules are there; one that somebody paused stays paused. */
export const scheduleChores = Effect.gen(function* () {
  const journal = yield* Journal
  const now = yield* Clock.currentTimeMillis
  const schedules = yield* journal.schedules
  for (const { id, timing, command } of chores) {
    const known = schedules.find((schedule) => schedule.id === id)
    yield* journal.putSchedule({
      id,
      topic: contentCommands.name,
      // One at a time: all of them have one mailbox.
      user: "files",
      type: contentCommands.type,
      data: JSON.stringify(command),
      timing,
      misfire: "once",
      paused: known?.paused ?? false,
      nextAt: nextTick(timing, now),
      lastAt: known?.lastAt ?? null
    })
  }
})
