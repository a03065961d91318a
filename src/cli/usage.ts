/**
 * How the command line is read and what is said of a wrong one: one line per
 * mistake on stderr and where to read on, never a page of help in its place.
 */
import { Data, Effect } from "effect"
import { CliConfig, CliOutput, Flag, GlobalFlag } from "effect/cli"
import { styleText } from "node:util"

/** The command line names something that is not there: code 2. */
export class WrongUsage extends Data.TaggedError("WrongUsage")<{ readonly detail: string }> {
  override get message() {
    return this.detail
  }
}

const red = (text: string): string => styleText("red", text, { stream: process.stderr })

const complain = (lines: ReadonlyArray<string>, command: ReadonlyArray<string>) =>
  Effect.sync(() => {
    for (const line of lines) process.stderr.write(`${red("postroom:")} ${line}\n`)
    process.stderr.write(`Try: ${command.join(" ")} --help\n`)
  })

/** Wrong usage is told in lines; help and version look as ever. */
export const layerUsage = CliOutput.layerPresenter({
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? complain(
          event.errors.map((error) => error.message.split("\n").join(" ")),
          event.commandPath
        )
      : CliOutput.defaultPresenter.present(event)
})

/** The built-in flags that mean something here: LOG_LEVEL belongs to the environment, as everything else does. */
export const layerBuiltIns = CliConfig.layer({
  builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions]
})

/** `--limit`: how many lines of a list, up to `most`. */
export const limitFlag = (most: number) =>
  Flag.Int("limit").pipe(
    Flag.withDescription(`At most so many (20), up to ${most}`),
    Flag.withDefault(20),
    Flag.filter(
      (limit) => limit >= 1 && limit <= most,
      () => `a whole number from 1 to ${most}`
    )
  )

const largestPort = 65_535

/** A flag for a port on loopback; 0 takes any. */
export const portFlag = (name: string) =>
  Flag.Int(name).pipe(
    Flag.withDescription("Port on loopback; 0 takes any"),
    Flag.withDefault(0),
    Flag.filter(
      (port) => port >= 0 && port <= largestPort,
      () => `a whole number from 0 to ${largestPort}`
    )
  )
