/** Every scenario with its cases, at full size and at the size of a quick look. */
import type { Effect } from "effect"
import { convert, liveBehindBackfill } from "./scenarios/convert.ts"
import { enqueueBatch, enqueueSingle } from "./scenarios/enqueue.ts"
import { enqueueHttp } from "./scenarios/enqueueHttp.ts"
import { hop } from "./scenarios/hop.ts"
import { idle } from "./scenarios/idle.ts"
import { keyed } from "./scenarios/keyed.ts"
import { memory } from "./scenarios/memory.ts"
import { noisy } from "./scenarios/noisy.ts"
import { noop } from "./scenarios/noop.ts"
import { pickup } from "./scenarios/pickup.ts"
import { resume } from "./scenarios/resume.ts"
import { single } from "./scenarios/single.ts"
import { startup } from "./scenarios/startup.ts"
import { tree } from "./scenarios/tree.ts"
import type { Figures } from "./support/Figures.ts"

/** What one process measures: one figure, or several that need the same installation. */
type Case = Effect.Effect<Figures | ReadonlyArray<Figures>, unknown>

/** Cases by scenario; `quick` makes them small. */
export const casesOf = (quick: boolean): Readonly<Record<string, ReadonlyArray<Case>>> => {
  const size = (full: number, small: number) => (quick ? small : full)
  return {
    noop: [noop(size(100_000, 20_000))],
    enqueue: [
      enqueueSingle(size(100_000, 20_000), 64),
      enqueueSingle(size(100_000, 20_000), 1_000),
      enqueueBatch(size(200_000, 20_000), 500),
      enqueueHttp(size(5_000, 1_000), size(10, 3)),
      enqueueHttp(size(1_000, 500), size(10, 3))
    ],
    pickup: [pickup(size(300, 100))],
    hop: [hop(size(300, 100))],
    keyed: [keyed(size(10_000, 5_000), 1_000), keyed(size(10_000, 5_000), 10_000)],
    single: [single(size(10_000, 2_000), 1_000), single(size(10_000, 2_000), 20)],
    noisy: [noisy(size(2_000, 1_000))],
    resume: [resume(false), resume(true)],
    memory: [
      memory("slow handler", size(1_000_000, 100_000), size(15, 5)),
      memory("paused user", size(1_000_000, 100_000), size(15, 5)),
      memory("paused queue", size(1_000_000, 100_000), size(15, 5))
    ],
    convert: [convert(size(200, 40)), liveBehindBackfill(size(10_000, 500), size(300, 60), size(20, 5))],
    idle: [idle(size(20, 5))],
    startup: [startup],
    tree: [tree({ branch: size(150_000, 20_000), owners: size(85, 5), each: 10_000 })]
  }
}

/** Names of the scenarios, in the order of the report. */
export const scenarioNames: ReadonlyArray<string> = Object.keys(casesOf(true))
