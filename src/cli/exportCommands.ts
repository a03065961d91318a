/** The command line of `postroom exports`. */
import { Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { readSettings } from "../config/settings.ts"
import type { Settings } from "../config/settings.ts"
import { limitFlag } from "./usage.ts"

const json = Flag.Boolean("json").pipe(Flag.withDescription("Answer in JSON, for machines"), Flag.withDefault(false))
const user = Flag.String("user").pipe(Flag.withDescription("Whose exports"))

const exports = Effect.promise(() => import("./exports.ts"))

/** Runs one of them, whose module is loaded only then. */
const run = <A, E, R>(of: (module: Effect.Success<typeof exports>, settings: Settings) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const settings = yield* readSettings
    return yield* of(yield* exports, settings)
  })

/** `postroom exports`; one is asked for by `postroom produce export.requested`. */
export const exportCommands = Command.make("exports", { user, limit: limitFlag(500), json }, (options) =>
  run(({ listOwn }, settings) => listOwn(settings, options))
).pipe(
  Command.withDescription("List the exports of a user, newest first"),
  Command.withExamples([
    { command: "postroom exports --user anna", description: "How far each is, and until when it is kept" },
    {
      command: `postroom produce export.requested --user anna --data '{"admin":false,"format":"csv","selection":{"items":["4e247aa5-e3bc-5821-89fe-7ae21150665b"]}}'`,
      description: "Ask for one"
    }
  ]),
  Command.withSubcommands([
    Command.make(
      "fetch",
      {
        id: Argument.String("id"),
        user,
        out: Flag.String("out").pipe(Flag.withDescription("The file to write")),
        json
      },
      (options) => run(({ fetchExport }, settings) => fetchExport(settings, options))
    ).pipe(
      Command.withDescription("Write an export to a file"),
      Command.withExamples([
        {
          command: "postroom exports fetch 4e247aa5-e3bc-5821-89fe-7ae21150665b --user anna --out album.zip",
          description: "By its id"
        }
      ])
    )
  ])
)
