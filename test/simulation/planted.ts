/** The bugs that are planted into copies of the sources, as the files in `mutants/` describe them. */
import * as fs from "node:fs"
import * as path from "node:path"

const shelf = path.join(import.meta.dirname, "mutants")

export interface Edit {
  readonly file: string
  readonly from: string
  readonly to: string
}

export interface Mutant {
  readonly name: string
  readonly bug: string
  readonly invariant: string
  readonly edits: ReadonlyArray<Edit>
}

const mutantOf = (file: string): Mutant => {
  const text = fs.readFileSync(path.join(shelf, file), "utf8")
  const edits = [...text.matchAll(/^file: (.+)\n<<<<\n([\s\S]*?)\n====\n([\s\S]*?)\n>>>>$/gm)].map(
    ([, name, from, to]): Edit => ({ file: name!, from: from!, to: to! })
  )
  const field = (name: string): string => {
    const found = new RegExp(`^${name}: (.+)$`, "m").exec(text)
    if (found === null) throw new Error(`${file} has no ${name}`)
    return found[1]!
  }
  if (edits.length === 0) throw new Error(`${file} changes nothing`)
  return { name: file.replace(/\.txt$/, ""), bug: field("bug"), invariant: field("invariant"), edits }
}

/** All of them, by name. */
export const plantedBugs = (): ReadonlyArray<Mutant> =>
  fs
    .readdirSync(shelf)
    .filter((file) => file.endsWith(".txt"))
    .map(mutantOf)

/** How often the place of an edit is there: once, or it cannot be planted. */
export const placesOf = (text: string, { from }: Edit): number => text.split(from).length - 1
