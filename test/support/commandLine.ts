/** Options of the commands under `test/` that people start: what is wrong is said in one line before the help, and ends with 2. */
import { parseArgs } from "node:util"
import type { ParseArgsConfig } from "node:util"

/** Says why the options are wrong, and ends. */
export const refuserOf =
  (help: string) =>
  (why: string): never => {
    process.stderr.write(`${why}\n\n${help}\n`)
    process.exit(2)
  }

/** The options of this process; ends where they are wrong, and with `--help`. */
export const readOptions = <const O extends NonNullable<ParseArgsConfig["options"]>>(options: O, help: string) => {
  const parsed = () => {
    try {
      return parseArgs({ options: { ...options, help: { type: "boolean" } } as O }).values
    } catch (error) {
      return refuserOf(help)((error as Error).message)
    }
  }
  const values = parsed()
  if ((values as { readonly help?: boolean }).help === true) {
    console.log(help)
    process.exit(0)
  }
  return values
}

/** The whole number that an option says. */
export const wholeNumberOf = <N extends string>(
  values: Readonly<Record<N, string>>,
  name: N,
  refuse: (why: string) => never
): number => (/^\d{1,9}$/.test(values[name]) ? Number(values[name]) : refuse(`--${name} takes a number`))
