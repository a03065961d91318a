/** The sources that a simulation is made of: what a copy of it needs, and what a run is a proof of. */
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"

const root = path.join(import.meta.dirname, "../..")

/** Folders, from the root of the project. */
export const simulatedFolders = [
  "src/domain",
  "src/topics",
  "src/broker",
  "src/journal",
  "src/runtime",
  "test/simulation"
]

/** Whether a file or folder in them takes part. */
export const isSimulated = (file: string): boolean => !/\/(mutants|regressions|postgres|sql|kafka)(\/|$)/.test(file)

/** A hash of all of them. */
export const hashOfSimulated = (): string => {
  const all = createHash("sha256")
  for (const folder of simulatedFolders) {
    for (const name of fs.readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" }).sort()) {
      const file = `${folder}/${name}`
      if (!file.endsWith(".ts") || !isSimulated(file)) continue
      all.update(`${file}\n`).update(fs.readFileSync(path.join(root, file)))
    }
  }
  return all.digest("hex").slice(0, 16)
}
