/**
 * Tells the broker now and then how far each partition is: for lag tools, and
 * because records that no group has read are kept. The journal's own position
 * is the truth; what could not be told is told with the next report.
 */
import { Duration, Effect } from "effect"
import { forkLoop } from "./forkLoop.ts"
import type { Lane } from "./Lane.ts"

const everyMs = 1_000

const report = Effect.fnUntraced(function* (lanes: ReadonlyArray<Lane>) {
  for (const lane of lanes) {
    for (const ownership of lane.owned.values()) {
      const { written } = ownership
      if (lane.membership === null || written === ownership.committed) continue
      const told = lane.membership.commit(ownership.partition, written)
      yield* Effect.ignore(
        Effect.andThen(
          told,
          Effect.sync(() => {
            ownership.committed = written
          })
        )
      )
    }
  }
})

/** Reports as long as the scope is open. */
export const runOffsetReport = (lanes: ReadonlyArray<Lane>) =>
  forkLoop("the report of offsets", Effect.andThen(Effect.sleep(Duration.millis(everyMs)), report(lanes)))
