/** The command line of `postroom media`. */
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { readSettings } from "../config/settings.ts"

const json = Flag.Boolean("json").pipe(Flag.withDescription("Answer in JSON, for machines"), Flag.withDefault(false))

const media = Effect.promise(() => import("./media.ts"))

/** `postroom media`. */
export const mediaCommands = Command.make("media").pipe(
  Command.withDescription("Look after the pictures of items"),
  Command.withSubcommands([
    Command.make("rebuild", { json }, (options) =>
      Effect.gen(function* () {
        const settings = yield* readSettings
        const { rebuildPictures } = yield* media
        return yield* rebuildPictures(settings, options)
      })
    ).pipe(
      Command.withDescription("Have pictures made anew that are of an older recipe or missing, behind all uploads"),
      Command.withExamples([
        { command: "postroom media rebuild", description: "After an upgrade; stopped half-way, run it again" }
      ])
    )
  ])
)
