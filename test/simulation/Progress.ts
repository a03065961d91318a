/**
 * How far a long run has come, in a file: a run of hours that was ended is
 * gone on with, by the same sources only, since seeds of others prove nothing
 * of these.
 */
import * as fs from "node:fs"
import { hashOfSimulated } from "./simulated.ts"
import { emptyTally } from "./Tally.ts"
import type { Tally } from "./Tally.ts"

export interface Progress {
  /** A hash of the sources that were played. */
  readonly sources: string
  readonly from: number
  /** Seeds that are played or left, counted from `from`. */
  readonly seeds: number
  readonly replay: boolean
  /** First seeds of the blocks that are done. */
  readonly done: Array<number>
  /** How long it took, over all its starts, s. */
  seconds: number
  starts: number
  readonly tally: Tally
}

type Asked = Pick<Progress, "from" | "seeds" | "replay">

/** What `file` holds of the run that is asked for, or a run that has not begun; a line that says why where it is another's. */
export const resume = (file: string | undefined, { from, seeds, replay }: Asked): Progress | string => {
  const sources = hashOfSimulated()
  const fresh: Progress = { sources, from, seeds, replay, done: [], seconds: 0, starts: 1, tally: emptyTally() }
  if (file === undefined || !fs.existsSync(file)) return fresh
  const kept = JSON.parse(fs.readFileSync(file, "utf8")) as Progress
  const differs = (["sources", "from", "seeds", "replay"] as const).find((name) => kept[name] !== fresh[name])
  if (differs !== undefined) {
    return `${file} is of another run: its ${differs} is ${kept[differs]}, not ${fresh[differs]}. Name another file, or delete it.`
  }
  return { ...kept, starts: kept.starts + 1 }
}

/** Writes it down, whole or not at all. */
export const save = (file: string, progress: Progress): void => {
  fs.writeFileSync(`${file}.new`, JSON.stringify(progress))
  fs.renameSync(`${file}.new`, file)
}
