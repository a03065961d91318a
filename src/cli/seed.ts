/** What a first look at the sandbox should show: the demo's readers, whose sources are read every minute. */
import { Clock, Effect } from "effect"
import { sourceKeyOf } from "../domain/Post.ts"
import { Journal } from "../journal/Journal.ts"
import type { Sandbox } from "../sandbox/Sandbox.ts"
import { sourcesDue } from "../topics/sourcesDue.ts"
import { sourceOf } from "./demo.ts"

const everyMs = 60_000
const backfill = 500

/** Removes the schedules of the demo's readers: without the sandbox their sources are not there. */
export const removeDemo = Effect.gen(function* () {
  const journal = yield* Journal
  for (const schedule of yield* journal.schedules) {
    if (schedule.id.startsWith("demo:")) yield* journal.removeSchedule(schedule.id)
  }
})

/** Adds the schedules of the demo's readers. Those of an earlier start are replaced: its feeds had other ports. */
export const seedDemo = (sandbox: Sandbox) =>
  Effect.gen(function* () {
    const journal = yield* Journal
    const now = yield* Clock.currentTimeMillis
    yield* removeDemo
    for (const user of sandbox.world.users) {
      for (const wanted of user.sources) {
        const source = sourceOf(sandbox, wanted)
        yield* journal.putSchedule({
          id: `demo:${user.id}:${sourceKeyOf(source)}`,
          topic: sourcesDue.name,
          user: user.id,
          type: sourcesDue.type,
          data: JSON.stringify({
            source,
            assignment: { target: user.target, style: user.style, language: user.language },
            backfill
          }),
          timing: { kind: "every", everyMs, from: now },
          misfire: "once",
          paused: false,
          nextAt: now,
          lastAt: null
        })
      }
    }
  })
