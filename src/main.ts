/** The command line of Postroom. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer, Option } from "effect"
import { Argument, CliError, Command, Flag } from "effect/cli"
import { blobCommands } from "./cli/blobCommands.ts"
import { exportCommands } from "./cli/exportCommands.ts"
import { mediaCommands } from "./cli/mediaCommands.ts"
import { layerLogs, runMain } from "./cli/run.ts"
import { layerBuiltIns, layerUsage, limitFlag, portFlag } from "./cli/usage.ts"
import { loadEnvFile } from "./config/environment.ts"
import { readSettings } from "./config/settings.ts"
import type { Settings } from "./config/settings.ts"
import { version } from "./cli/version.ts"

loadEnvFile()

const demoBroker = Flag.Literals("broker", ["postgres", "kafka"]).pipe(
  Flag.withDescription("Where its topics are; kafka needs KAFKA_BROKERS"),
  Flag.withDefault("postgres")
)
const json = Flag.Boolean("json").pipe(Flag.withDescription("Answer in JSON, for machines"), Flag.withDefault(false))
const text = (name: string, about: string) =>
  Flag.String(name).pipe(Flag.withDescription(about), Flag.optional, Flag.map(Option.getOrNull))

/** A command's own modules, loaded when it runs: `tasks` need not wait for what only `start` uses. */
const modules = {
  convert: Effect.promise(() => import("./cli/convert.ts")),
  demo: Effect.promise(() => import("./cli/demoCommand.ts")),
  doctor: Effect.promise(() => import("./cli/doctor.ts")),
  events: Effect.promise(() => import("./cli/events.ts")),
  produce: Effect.promise(() => import("./cli/produce.ts")),
  queues: Effect.promise(() => import("./cli/queues.ts")),
  sandbox: Effect.promise(() => import("./cli/sandbox.ts")),
  start: Effect.promise(() => import("./cli/start.ts")),
  tasks: Effect.promise(() => import("./cli/tasks.ts")),
  topics: Effect.promise(() => import("./cli/topics.ts")),
  token: Effect.promise(() => import("./cli/token.ts"))
} as const

/** Runs a command with the settings of the process. */
const withSettings = <M, A, E, R>(
  module: Effect.Effect<M>,
  run: (module: M, settings: Settings) => Effect.Effect<A, E, R>
) =>
  Effect.gen(function* () {
    const settings = yield* readSettings
    return yield* run(yield* module, settings)
  })

/** The code the process ends with; commands that only fail by an error leave it at 0. */
let exitCode = 0
const withCode = <E, R>(effect: Effect.Effect<number, E, R>) =>
  Effect.map(effect, (code) => {
    exitCode = code
  })

const commands = [
  Command.make(
    "start",
    {
      roles: text("roles", "What this process does: api and names of queues, separated by commas (all)"),
      actors: text("actors", "A file that exports actors of your own"),
      sandbox: Flag.Boolean("sandbox").pipe(
        Flag.withDescription("Let the sandbox stand in where credentials are missing"),
        Flag.withDefault(false)
      )
    },
    (options) => withSettings(modules.start, ({ start }, settings) => start(settings, options))
  ).pipe(
    Command.withDescription("Run the actors and the API until asked to stop"),
    Command.withExamples([
      { command: "postroom start --sandbox", description: "Everything in one process, nothing installed" },
      { command: "postroom start --roles api", description: "Only the API; run workers elsewhere" },
      { command: "postroom start --actors ./my-actors.ts", description: "With actors of your own" }
    ])
  ),
  Command.make("demo", { json, broker: demoBroker }, (options) =>
    withCode(Effect.flatMap(modules.demo, ({ demoCommand }) => demoCommand(options)))
  ).pipe(
    Command.withDescription("Run the whole pipeline once in a temporary directory and report what each stage did"),
    Command.withExamples([
      { command: "postroom demo", description: "About twenty seconds; ends with 1 where a post was lost or doubled" },
      { command: "postroom demo --json", description: "The same for machines" },
      { command: "KAFKA_BROKERS=localhost:9092 postroom demo --broker kafka", description: "With its topics in Kafka" }
    ])
  ),
  Command.make(
    "sandbox",
    {
      json,
      telegramPort: portFlag("telegram-port"),
      openAiPort: portFlag("openai-port"),
      webPort: portFlag("web-port"),
      ledger: text("ledger", "Write what is posted to this file, as JSON lines")
    },
    ({ ledger, ...options }) =>
      Effect.flatMap(modules.sandbox, ({ sandboxAlone }) =>
        sandboxAlone({ ...options, ...(ledger === null ? {} : { ledgerFile: ledger }) })
      )
  ).pipe(
    Command.withDescription("Run the sandbox Telegram, OpenAI and web alone, on loopback"),
    Command.withExamples([
      { command: "postroom sandbox --openai-port 4010 --ledger posted.jsonl", description: "For programs of your own" }
    ])
  ),
  Command.make(
    "produce",
    {
      type: Argument.String("type").pipe(Argument.withDescription("The event's type, for example source.due")),
      user: Flag.String("user").pipe(Flag.withDescription("Whose event it is: its order is kept per user")),
      data: text("data", "The event's data as JSON; read from standard input where it is left out"),
      id: text("id", "The event's id: the same one again is taken once"),
      actors: text("actors", "A file of actors, whose event types can be produced too"),
      json
    },
    (options) => withSettings(modules.produce, ({ produce }, settings) => produce(settings, options))
  ).pipe(
    Command.withDescription("Put an event in"),
    Command.withExamples([
      {
        command: `postroom produce source.due --user anna --data '{"source":{"kind":"feed","url":"https://example.org/feed.xml"},"assignment":{"target":"my_channel","style":"short","language":"en"}}'`,
        description: "Collect a feed for anna now"
      }
    ])
  ),
  Command.make("events", { user: text("user", "Only this user's"), limit: limitFlag(1_000), json }, (options) =>
    withSettings(modules.events, ({ listEvents }, settings) => listEvents(settings, options))
  ).pipe(
    Command.withDescription("List events, newest first, and how far each has come"),
    Command.withExamples([
      { command: "postroom events --user anna --json", description: "Anna's, one JSON object a line" }
    ]),
    Command.withSubcommands([
      Command.make("cancel", { id: Argument.String("id"), json }, (options) =>
        withSettings(modules.events, ({ cancelEvent }, settings) => withCode(cancelEvent(settings, options)))
      ).pipe(
        Command.withDescription("Cancel everything of an event that has not ended"),
        Command.withExamples([
          { command: "postroom events cancel order-17", description: "Its running tasks are interrupted" }
        ])
      )
    ])
  ),
  Command.make(
    "tasks",
    {
      status: text("status", "One or several of queued, in_progress, succeeded, failed, cancelled, invalid"),
      queue: text("queue", "Only this queue's"),
      user: text("user", "Only this user's"),
      q: text("search", "Part of the reason or the user, or the beginning of an id"),
      limit: limitFlag(1_000),
      json
    },
    (options) => withSettings(modules.tasks, ({ listTasks }, settings) => listTasks(settings, options))
  ).pipe(
    Command.withDescription("List tasks, newest first"),
    Command.withExamples([
      { command: "postroom tasks --status failed --queue publisher", description: "What could not be published" }
    ]),
    Command.withSubcommands([
      Command.make("show", { id: Argument.String("id"), json }, (options) =>
        withSettings(modules.tasks, ({ showTask }, settings) => showTask(settings, options))
      ).pipe(
        Command.withDescription("Everything about one task: attempts, steps, log, and why it waits"),
        Command.withExamples([
          { command: "postroom tasks show 4e247aa5-e3bc-5821-89fe-7ae21150665b", description: "By its id" }
        ])
      ),
      Command.make("cancel", { id: Argument.String("id"), json }, (options) =>
        withSettings(modules.tasks, ({ cancelTask }, settings) => withCode(cancelTask(settings, options)))
      ).pipe(
        Command.withDescription("Cancel a task that waits or runs"),
        Command.withExamples([
          {
            command: "postroom tasks cancel 4e247aa5-e3bc-5821-89fe-7ae21150665b",
            description: "Ends with 1 where it was too late"
          }
        ])
      ),
      Command.make("retry", { id: Argument.String("id"), json }, (options) =>
        withSettings(modules.tasks, ({ retryTask }, settings) => withCode(retryTask(settings, options)))
      ).pipe(
        Command.withDescription("Run a task again that ended badly"),
        Command.withExamples([
          {
            command: "postroom tasks retry 4e247aa5-e3bc-5821-89fe-7ae21150665b",
            description: "After what its user has waiting"
          }
        ])
      )
    ])
  ),
  Command.make("queues", { json }, (options) =>
    withSettings(modules.queues, ({ listQueues }, settings) => listQueues(settings, options))
  ).pipe(
    Command.withDescription("List the queues and what stands in them"),
    Command.withExamples([
      { command: "postroom queues --json", description: "One JSON object a line" },
      { command: "postroom queues pause publisher", description: "Publish nothing until it is resumed" }
    ]),
    Command.withSubcommands([
      Command.make("pause", { name: Argument.String("name"), json }, (options) =>
        withSettings(modules.queues, ({ setQueue }, settings) =>
          withCode(setQueue(settings, { ...options, paused: true }))
        )
      ).pipe(Command.withDescription("Start no more tasks of a queue")),
      Command.make("resume", { name: Argument.String("name"), json }, (options) =>
        withSettings(modules.queues, ({ setQueue }, settings) =>
          withCode(setQueue(settings, { ...options, paused: false }))
        )
      ).pipe(Command.withDescription("Let a queue go on"))
    ])
  ),
  Command.make("topics", { json }, (options) =>
    withSettings(modules.topics, ({ listTopics }, settings) => listTopics(settings, options))
  ).pipe(
    Command.withDescription("List the topics, their partitions, and how far behind each queue is"),
    Command.withExamples([
      { command: "postroom topics --json", description: "One JSON object a line" },
      { command: "postroom topics grow posts.ready --partitions 24", description: "While everything runs" }
    ]),
    Command.withSubcommands([
      Command.make(
        "grow",
        {
          name: Argument.String("name"),
          partitions: Flag.Int("partitions").pipe(Flag.withDescription("How many it is to have")),
          patience: Flag.Int("patience").pipe(
            Flag.withDescription("Seconds until nothing of the topic may be under way any more (60)"),
            Flag.withDefault(60)
          ),
          json
        },
        (options) => withSettings(modules.topics, ({ growTopic }, settings) => withCode(growTopic(settings, options)))
      ).pipe(
        Command.withDescription("Add partitions to a topic, once its queues have worked off what they have"),
        Command.withExamples([
          {
            command: "postroom topics grow posts.ready --partitions 24 --patience 300",
            description: "Other queues pause meanwhile; ends with 1 where it could not"
          }
        ])
      )
    ])
  ),
  Command.make(
    "convert",
    {
      folder: Argument.String("folder").pipe(Argument.withDescription("Folder with photographs")),
      out: Flag.String("out").pipe(Flag.withDescription("Folder for previews and thumbnails")),
      json
    },
    (options) =>
      withSettings(modules.convert, ({ convertFolder }, settings) => withCode(convertFolder(settings, options)))
  ).pipe(
    Command.withDescription("Make preview and thumbnail of every picture in a folder, through the converter"),
    Command.withExamples([
      { command: "postroom convert ./photos --out ./small", description: "Goes on where it was stopped" }
    ])
  ),
  blobCommands(withCode),
  exportCommands,
  mediaCommands,
  Command.make(
    "token",
    { name: Flag.String("name").pipe(Flag.withDescription("What it is for (cli)"), Flag.withDefault("cli")), json },
    (options) => withSettings(modules.token, ({ makeToken }, settings) => makeToken(settings, options))
  ).pipe(
    Command.withDescription("Make another token for the API; it is shown once"),
    Command.withExamples([{ command: "postroom token --name ci", description: "Only its hash is kept" }])
  ),
  Command.make("doctor", { json }, (options) =>
    withCode(Effect.flatMap(modules.doctor, ({ doctor }) => doctor(options)))
  ).pipe(
    Command.withDescription("Check Node, database, broker, disk, clock and credentials, and say what to do"),
    Command.withExamples([{ command: "postroom doctor --json", description: "Ends with 1 where something is bad" }])
  )
] as const

const root = Command.make("postroom").pipe(
  Command.withDescription("Background work in strict order per user."),
  Command.withSubcommands([...commands])
)

const logLevel = Effect.map(readSettings, (settings) => layerLogs(settings.logLevel)).pipe(
  // A wrong setting is told by the command that needs it.
  Effect.catch(() => Effect.succeed(layerLogs("info")))
)

/** Wrong usage has been explained by the parser already; custom gives it code 2. */
const usage = 2

runMain(
  Command.run(root, { version }).pipe(
    Effect.map(() => exitCode),
    Effect.catchIf(CliError.isCliError, () => Effect.succeed(usage)),
    Effect.scoped,
    Effect.provide(Layer.mergeAll(NodeServices.layer, layerUsage, layerBuiltIns, Layer.unwrap(logLevel)))
  ) as Effect.Effect<number, unknown>
)
