/**
 * Checks the checker: each file in `mutants/` is a bug, planted into a copy of
 * the sources, and the simulation has to find it by the invariant that the
 * file names. `node test/simulation/mutants.ts [--only name] [--starts 5]
 * [--seeds 2000]` prints the table; a bug that can no longer be planted, or is
 * not found, fails.
 */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { parseArgs } from "node:util"
import { placesOf, plantedBugs } from "./planted.ts"
import type { Mutant } from "./planted.ts"
import { isSimulated, simulatedFolders } from "./simulated.ts"

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    /** How many first seeds, far apart, the median is taken of. */
    starts: { type: "string", default: "5" },
    /** Most seeds per run. */
    seeds: { type: "string", default: "2000" },
    markdown: { type: "boolean", default: false }
  }
})

const root = path.join(import.meta.dirname, "../..")
const runLimitMs = 1_200_000

/** A copy of what the simulation needs, with the bug in it; below the project, so that packages are found. */
const plant = ({ name, edits }: Mutant): string => {
  const place = path.join(root, ".simulation", `mutant-${name}`)
  fs.rmSync(place, { recursive: true, force: true })
  for (const folder of simulatedFolders) {
    fs.cpSync(path.join(root, folder), path.join(place, folder), { recursive: true, filter: isSimulated })
  }
  for (const edit of edits) {
    const { file, from, to } = edit
    const target = path.join(place, file)
    const text = fs.readFileSync(target, "utf8")
    const places = placesOf(text, edit)
    if (places !== 1) throw new Error(`${name} cannot be planted: its place in ${file} is there ${places} times`)
    fs.writeFileSync(
      target,
      text.replace(from, () => to)
    )
  }
  return place
}

/** Seeds it took to find the bug by its invariant, from each start; null where it was not found. */
const hunt = (place: string, invariant: string): ReadonlyArray<number | null> => {
  const script = path.join(place, "test/simulation/hunt.ts")
  const asked = ["--invariant", invariant, "--seeds", values.seeds, "--starts", values.starts]
  const { stdout } = spawnSync(process.execPath, [script, ...asked], { encoding: "utf8", timeout: runLimitMs })
  const lines = stdout.split("\n")
  return Array.from({ length: Number(values.starts) }, (_, start) => Number.parseInt(lines[start] ?? "", 10) || null)
}

const median = (numbers: ReadonlyArray<number>): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor((numbers.length - 1) / 2)]!

const mutants = plantedBugs().filter(({ name }) => values.only === undefined || name.startsWith(values.only))

let missed = 0
for (const mutant of mutants) {
  const place = plant(mutant)
  const found = hunt(place, mutant.invariant)
  fs.rmSync(place, { recursive: true, force: true })
  const counts = found.filter((count) => count !== null)
  const isFound = counts.length === found.length
  if (!isFound) missed++
  const seeds = isFound ? String(median(counts)) : `found ${counts.length} of ${found.length} times`
  console.log(
    values.markdown
      ? `| ${mutant.bug} | ${mutant.invariant} | ${seeds} |`
      : `${mutant.invariant.padEnd(4)} ${seeds.padStart(6)}  ${mutant.bug}`
  )
}
console.log(`${mutants.length - missed} of ${mutants.length} planted bugs found by their invariants`)
process.exitCode = missed > 0 ? 1 : 0
