/** The command line of `postroom blobs`. */
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { readSettings } from "../config/settings.ts"
import type { Settings } from "../config/settings.ts"

const json = Flag.Boolean("json").pipe(Flag.withDescription("Answer in JSON, for machines"), Flag.withDefault(false))

const blobs = Effect.promise(() => import("./blobs.ts"))

/** Runs one of them, whose module is loaded only then. */
const run = <A, E, R>(of: (module: Effect.Success<typeof blobs>, settings: Settings) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const settings = yield* readSettings
    return yield* of(yield* blobs, settings)
  })

type WithCode = <E, R>(effect: Effect.Effect<number, E, R>) => Effect.Effect<void, E, R>

/** `postroom blobs`; `withCode` makes a number the code with which the process ends. */
export const blobCommands = (withCode: WithCode) =>
  Command.make("blobs").pipe(
    Command.withDescription("Look after the files of items"),
    Command.withSubcommands([
      Command.make("sweep", { json }, (options) =>
        run(({ sweepBlobs }, settings) => sweepBlobs(settings, options))
      ).pipe(
        Command.withDescription("Remove files that nobody has referred to for longer than BLOBS_GRACE"),
        Command.withExamples([
          { command: "postroom blobs sweep", description: "It runs by itself every hour; this is for now" }
        ])
      ),
      Command.make(
        "verify",
        {
          sample: Flag.Int("sample").pipe(
            Flag.withDescription("Only so many, drawn by chance; 0 for all"),
            Flag.withDefault(0)
          ),
          json
        },
        ({ sample, ...options }) =>
          withCode(
            run(({ verifyBlobs }, settings) =>
              verifyBlobs(settings, { ...options, sample: sample > 0 ? sample : null })
            )
          )
      ).pipe(
        Command.withDescription("Read files again, and say which are missing or damaged"),
        Command.withExamples([
          { command: "postroom blobs verify --sample 1000", description: "Ends with 1 where any is" }
        ])
      ),
      Command.make(
        "migrate",
        { to: Flag.Literals("to", ["s3", "folder"]).pipe(Flag.withDescription("Where to")), json },
        (options) => withCode(run(({ migrateBlobs }, settings) => migrateBlobs(settings, options)))
      ).pipe(
        Command.withDescription("Copy all files between DATA_DIR and the bucket of BLOBS_S3_URL"),
        Command.withExamples([
          { command: "postroom blobs migrate --to s3", description: "Goes on where it was stopped; removes nothing" }
        ])
      )
    ])
  )
