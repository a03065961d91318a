/** How soon after each kill work went on, read from the lines the attempts wrote. */
import * as fs from "node:fs"

export interface Recovery {
  /** From the kill to the first start after it, ms. */
  readonly firstMs: ReadonlyArray<number>
  /** From the kill until all that it had cut off was running again, ms. */
  readonly interruptedMs: ReadonlyArray<number>
  readonly cutOff: number
  /** Kills that the next one followed before anything could start. */
  readonly overtaken: number
}

interface Line {
  readonly kind: string
  readonly task: string
  readonly at: number
}

const read = (file: string): ReadonlyArray<Line> =>
  fs
    .readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const [kind, user, seq, at] = line.split(" ")
      return { kind: kind!, task: `${user}:${seq}`, at: Number(at) }
    })

/** `kills` are moments of the monotonic clock, ms, in order. */
export const recoveryOf = (file: string, kills: ReadonlyArray<number>): Recovery => {
  const lines = read(file)
  const firstMs: Array<number> = []
  const interruptedMs: Array<number> = []
  let cutOffs = 0
  let overtaken = 0
  for (const [index, killedAt] of kills.entries()) {
    const lifeFrom = kills[index - 1] ?? 0
    const until = kills[index + 1] ?? Number.POSITIVE_INFINITY
    const running = new Set<string>()
    for (const { kind, task, at } of lines) {
      if (at <= lifeFrom || at > killedAt) continue
      if (kind === "S") running.add(task)
      else running.delete(task)
    }
    cutOffs += running.size
    const after = lines.filter(({ kind, at }) => kind === "S" && at > killedAt && at <= until)
    if (after.length === 0) {
      overtaken++
      continue
    }
    firstMs.push(after[0]!.at - killedAt)
    const again = [...running].map((task) => after.find((line) => line.task === task)?.at)
    if (running.size > 0 && again.every((at) => at !== undefined)) interruptedMs.push(Math.max(...again) - killedAt)
  }
  return { firstMs, interruptedMs, cutOff: cutOffs, overtaken }
}
