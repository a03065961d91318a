/** The source files with what they import: what the architecture test reads. */
import { readdirSync, readFileSync } from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../../src/", import.meta.url))

export interface Import {
  readonly specifier: string
  /** Path below src for our own files; undefined for packages. */
  readonly file: string | undefined
  readonly isTypeOnly: boolean
}

export interface Source {
  /** Path below src, with slashes. */
  readonly file: string
  readonly text: string
  /** The same with blanks for comments and the insides of strings and templates. */
  readonly code: string
  readonly imports: ReadonlyArray<Import>
}

const importPattern =
  /(?:^|[;\n])\s*(?:import|export)\b(\s+type\b)?([^"';]*?\bfrom\s*)?\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/g

const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|(^|[^:"'`])\/\/[^\n]*/g, "$1")

const withoutStrings = (text: string): string =>
  text.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`/g, (found) => found[0]! + found.at(-1)!)

const importsOf = (file: string, text: string): ReadonlyArray<Import> =>
  [...withoutComments(text).matchAll(importPattern)].map((match): Import => {
    const specifier = (match[3] ?? match[4])!
    // Only `import type` is erased whole; a list of which every name is marked is as well.
    const named = /^\s*\{([^}]*)\}/.exec(match[2] ?? "")?.[1]
    const allMarked =
      named !== undefined && named.split(",").every((name) => name.trim() === "" || name.trim().startsWith("type "))
    return {
      specifier,
      file: specifier.startsWith(".") ? path.posix.join(path.posix.dirname(file), specifier) : undefined,
      isTypeOnly: match[1] !== undefined || allMarked
    }
  })

/** Every TypeScript file below src. */
export const sources: ReadonlyArray<Source> = readdirSync(root, { recursive: true, encoding: "utf8" })
  .map((name) => name.split(path.sep).join("/"))
  .filter((name) => name.endsWith(".ts"))
  .sort()
  .map((file) => {
    const text = readFileSync(path.join(root, file), "utf8")
    return { file, text, code: withoutStrings(withoutComments(text)), imports: importsOf(file, text) }
  })
