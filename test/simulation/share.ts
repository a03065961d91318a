/**
 * Judges every `of`th seed from `first` on in a thread of its own, so that a
 * test uses all cores: a run depends on its seed alone, wherever it is played.
 */
import { parentPort, workerData } from "node:worker_threads"
import { planOf } from "./Plan.ts"
import { judge, traceOf } from "./shrink.ts"

export interface Share {
  readonly first: number
  readonly of: number
  /** Seeds below it. */
  readonly below: number
  /** Seeds below it are played twice. */
  readonly twiceBelow: number
}

export interface Judged {
  /** What the seeds broke. */
  readonly broken: ReadonlyArray<string>
  /** Seeds that did not do the same again. */
  readonly unequal: ReadonlyArray<number>
}

const { first, of, below, twiceBelow } = workerData as Share
const broken: Array<string> = []
const unequal: Array<number> = []
for (let seed = first; seed < below; seed += of) {
  const found = judge(planOf(seed))
  for (const { invariant, detail } of found.violations) broken.push(`${seed} ${invariant}: ${detail}`)
  if (seed < twiceBelow && traceOf(found) !== traceOf(judge(planOf(seed)))) unequal.push(seed)
}
parentPort!.postMessage({ broken, unequal } satisfies Judged)
