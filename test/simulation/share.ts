/**
 * Judges every `of`th seed from `first` on in a thread of its own, so that a
 * test uses all cores: a run depends on its seed alone, wherever it is played.
 */
import { parentPort, workerData } from "node:worker_threads"
import { planOf } from "./Plan.ts"
import { judge } from "./shrink.ts"

export interface Share {
  readonly first: number
  readonly of: number
  /** Seeds below it. */
  readonly below: number
}

const { first, of, below } = workerData as Share
const broken: Array<string> = []
for (let seed = first; seed < below; seed += of) {
  for (const { invariant, detail } of judge(planOf(seed)).violations) broken.push(`${seed} ${invariant}: ${detail}`)
}
parentPort!.postMessage(broken)
