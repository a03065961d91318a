/**
 * Programs of others that speak to Kafka, as tests use them: kcat, and
 * librdkafka from Python. Where one cannot be found that is said, and its
 * tests are skipped; under CI they fail instead. `KCAT` names a kcat that is not
 * in the PATH, `LIBRDKAFKA_PYTHON` a Python that has the module confluent-kafka.
 */
import { describe } from "@effect/vitest"
import { Effect } from "effect"
import { spawn, spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { isCi } from "./isCi.ts"

const script = fileURLToPath(new URL("librdkafka.py", import.meta.url))
const kcatProgram = process.env["KCAT"] ?? "kcat"
const python = process.env["LIBRDKAFKA_PYTHON"] ?? "python3"

const describeWith = (what: string, how: string, command: string, args: ReadonlyArray<string>) => {
  const isThere = spawnSync(command, [...args], { stdio: "ignore" }).status === 0
  if (!isThere) process.stderr.write(`TESTS WITH ${what} ${isCi ? "CANNOT RUN" : "ARE SKIPPED"}: ${how}\n`)
  return isThere || isCi ? describe : describe.skip
}

/** `describe` for tests with kcat. */
export const describeWithKcat = describeWith("KCAT", "there is none: install kcat, or name it by KCAT", kcatProgram, [
  "-V"
])

/** `describe` for tests with librdkafka from Python. */
export const describeWithLibrdkafka = describeWith(
  "LIBRDKAFKA",
  "pip install confluent-kafka, or name a Python that has it by LIBRDKAFKA_PYTHON",
  python,
  ["-c", "import confluent_kafka"]
)

/** Runs a program on `input`, and answers what it wrote; what it complains of goes to stderr. */
const run = (command: string, args: ReadonlyArray<string>, input: string | Uint8Array): Effect.Effect<string> =>
  Effect.callback((resume) => {
    const child = spawn(command, [...args], { stdio: ["pipe", "pipe", "inherit"] })
    const said: Array<Buffer> = []
    child.stdout.on("data", (data: Buffer) => said.push(data))
    child.on("error", (error) => resume(Effect.die(error)))
    child.on("close", (code) =>
      resume(
        code === 0
          ? Effect.succeed(Buffer.concat(said).toString())
          : Effect.die(new Error(`${command} ended with ${code}: ${Buffer.concat(said).toString()}`))
      )
    )
    child.stdin.end(input)
    return Effect.sync(() => child.kill("SIGKILL"))
  })

const linesOf = (text: string): ReadonlyArray<unknown> =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown)

export interface ForeignRecord {
  readonly topic: string
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: Readonly<Record<string, string>>
  readonly partition?: number
}

export interface ForeignAnswer {
  readonly partition: number
  readonly offset: number
}

export interface SeenRecord extends ForeignAnswer {
  readonly key: string | null
  readonly value: string | null
  readonly headers: Readonly<Record<string, string>>
}

type Settings = Readonly<Record<string, string | number>>

/** As text, in base64. */
export const base64 = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString("base64")

/** Writes records by librdkafka; `settings` are its own. */
export const produceByLibrdkafka = (
  brokers: ReadonlyArray<string>,
  records: ReadonlyArray<ForeignRecord>,
  settings: Settings = {}
) =>
  Effect.map(
    run(
      python,
      [script, "produce", JSON.stringify({ "bootstrap.servers": brokers.join(","), ...settings })],
      records.map((one) => JSON.stringify({ ...one, key: base64(one.key), value: base64(one.value) })).join("\n")
    ),
    (text) => linesOf(text) as ReadonlyArray<ForeignAnswer>
  )

/** Reads `count` records of a topic by librdkafka, in a consumer group. */
export const consumeByLibrdkafka = (brokers: ReadonlyArray<string>, group: string, topic: string, count: number) =>
  Effect.map(
    run(
      python,
      [
        script,
        "consume",
        JSON.stringify({ "bootstrap.servers": brokers.join(","), "group.id": group }),
        topic,
        String(count)
      ],
      ""
    ),
    (text) => linesOf(text) as ReadonlyArray<SeenRecord>
  )

/** Runs kcat with these arguments on `input`. */
export const kcat = (brokers: ReadonlyArray<string>, args: ReadonlyArray<string>, input: string | Uint8Array = "") =>
  run(kcatProgram, ["-b", brokers.join(","), ...args], input)
