/** Whole processes, as an operator starts, stops and loses them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { writeFileSync } from "node:fs"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { freshDatabase } from "../support/postgres.ts"
import { clientOf, temporaryFolder, untilAnswer, untilOver } from "./Installation.ts"
import { runProgram, startProgram } from "./Program.ts"
import type { Program } from "./Program.ts"

const actors = fileURLToPath(new URL("napActor.ts", import.meta.url))
const env = (folder: string) => ({ DATA_DIR: path.join(folder, "data"), HTTP_PORT: "0" })

const apiOf = (program: Program) => Effect.map(program.said(/API at (\S+)\/api\/v1/), ([, base]) => base!)
const tokenOf = (program: Program) => Effect.map(program.said(/shown this once: (\S+)/), ([, token]) => token!)

/** The same on the server that the tests share: a first start of an own one takes seconds. */
const onShared = (folder: string) =>
  Effect.map(freshDatabase, ({ url }) => ({ ...env(folder), DATABASE_URL: Redacted.value(url) }))

/** A port that somebody listens on. */
const busyPort = Effect.map(
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => void server.close())
  ),
  (server) => (server.address() as AddressInfo).port
)

/** Whole processes on a busy machine: the demo alone takes twenty seconds of a core. Only what hangs comes near. */
const processesMs = 180_000

describe("processes", () => {
  it.live(
    "without credentials, start says which actors are off and why, and their events wait for them",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const folder = yield* temporaryFolder
          const program = yield* startProgram(["start"], { folder, env: yield* onShared(folder) })
          yield* program.said(/publisher is off: no Telegram account: set TELEGRAM_API_ID/)
          yield* program.said(/rewriter and imagegen are off: no models: set OPENAI_API_KEY/)
          const client = clientOf(yield* apiOf(program), yield* tokenOf(program))
          yield* program.said(/Postroom runs/)
          const queues = (yield* client.get("/queues")).body as ReadonlyArray<{ name: string; off: string | null }>
          assert.deepStrictEqual(
            queues.filter((queue) => queue.off !== null).map((queue) => queue.name),
            ["imagegen", "publisher", "rewriter"]
          )
          const data = {
            post: { id: "p", source: "s", title: "t", text: "x", tags: [], url: null, images: [] },
            assignment: { target: "t", style: "", language: "en" }
          }
          const { taskId } = (yield* client.post("/events", { id: "e", type: "post.ready", user: "anna", data })).body
          assert.match((yield* client.get(`/tasks/${taskId}`)).body.why, /^its queue is off: no Telegram account/)
          yield* program.signal("SIGINT")
          const { code, err } = yield* program.ended
          assert.deepStrictEqual([code, err], [130, ""])
        })
      ),
    processesMs
  )

  it.live(
    "a second process on the same folder shares the work, and SIGTERM drains: what is left goes on at the next start",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const folder = yield* temporaryFolder
          const first = yield* startProgram(["start", "--actors", actors], { folder, env: env(folder) })
          const client = clientOf(yield* apiOf(first), yield* tokenOf(first))
          const second = yield* startProgram(["start", "--actors", actors, "--roles", "nap"], {
            folder,
            env: env(folder)
          })
          yield* first.said(/Postroom runs/)
          yield* second.said(/Postroom runs nap/)
          yield* untilAnswer(
            client.get("/queues"),
            (queues) => queues.find((queue: any) => queue.name === "nap").owners === 2
          )

          const users = Array.from({ length: 24 }, (_, i) => `user ${i}`)
          yield* client.post("/events/batch", {
            events: users.map((user) => ({ id: user, type: "nap", user, data: { ms: 5 } }))
          })
          const pids = new Set<number>()
          for (const user of users) pids.add((yield* untilOver(client, user)).context.nap[0].pid)
          assert.strictEqual(pids.size, 2)

          // A task that is running when both are asked to stop, and four behind it.
          const row = [400, 0, 0, 0, 0].map((ms, n) => ({ id: `row ${n}`, type: "nap", user: "anna", data: { ms, n } }))
          const { events } = (yield* client.post("/events/batch", { events: row })).body
          yield* untilAnswer(client.get(`/tasks/${events[0].taskId}`), ({ status }) => status === "in_progress")
          yield* second.signal("SIGTERM")
          yield* first.signal("SIGTERM")
          assert.strictEqual((yield* first.ended).code, 0)
          assert.strictEqual((yield* second.ended).code, 0)

          const third = yield* startProgram(["start", "--actors", actors], { folder, env: env(folder) })
          const after = clientOf(yield* apiOf(third), client.token)
          for (const { id } of row) assert.strictEqual((yield* untilOver(after, id)).status, "succeeded")
          const nap = (yield* after.get(`/tasks/${events[0].taskId}`)).body
          assert.deepStrictEqual([nap.attempt, nap.result.n], [1, 0], "it ran to its end before its process did")
        })
      ),
    processesMs
  )

  it.live(
    "a process without the API answers health and what it counts itself where a port is set, and nothing else",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const folder = yield* temporaryFolder
          const shared = yield* onShared(folder)
          const first = yield* startProgram(["start", "--roles", "api", "--actors", actors], { folder, env: shared })
          const { token } = clientOf(yield* apiOf(first), yield* tokenOf(first))
          const worker = yield* startProgram(["start", "--roles", "nap", "--actors", actors], {
            folder,
            env: { ...shared, METRICS_PORT: "0" }
          })
          const [, base] = yield* worker.said(/Health and metrics at (\S+)\/api\/v1/)
          const ask = (path: string, secret: string | null) =>
            Effect.promise(async () => {
              const headers: Record<string, string> = secret === null ? {} : { authorization: `Bearer ${secret}` }
              const answer = await fetch(`${base}/api/v1${path}`, { headers })
              return { status: answer.status, text: await answer.text() }
            })
          assert.deepStrictEqual(yield* ask("/health/live", null), { status: 200, text: `{"status":"ok"}` })
          assert.deepStrictEqual(yield* ask("/health/ready", null), { status: 200, text: `{"status":"ok"}` })
          assert.strictEqual((yield* ask("/metrics", null)).status, 401)
          const { status, text } = yield* ask("/metrics", token)
          assert.strictEqual(status, 200)
          assert.match(text, /^postroom_process_resident_memory_bytes \d+/m)
          // Those of the installation are told by the API, once.
          assert.notMatch(text, /queue_unread_records/)
          assert.strictEqual((yield* ask("/tasks", token)).status, 404)
        })
      ),
    processesMs
  )

  it.live(
    "a start that cannot be is refused in one line that says what to do",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const folder = yield* temporaryFolder
          const write = (name: string, text: string) => Effect.sync(() => writeFileSync(path.join(folder, name), text))
          const port = yield* busyPort
          const shared = yield* onShared(folder)
          yield* write("broken.ts", "export const x = \n")
          const cases: ReadonlyArray<readonly [ReadonlyArray<string>, Record<string, string>, number, RegExp]> = [
            [
              ["start", "--roles", "api"],
              { HTTP_PORT: String(port) },
              1,
              /^postroom: port \d+ of 127\.0\.0\.1 is taken: set HTTP_PORT/
            ],
            [
              ["start", "--roles", "collector"],
              { METRICS_PORT: String(port) },
              1,
              /^postroom: port \d+ of 127\.0\.0\.1 is taken: set METRICS_PORT to another, or 0 for any, or leave it unset/
            ],
            [
              ["start", "--roles", "api"],
              { HTTP_HOST: "0.0.0.0" },
              1,
              /^postroom: HTTP_HOST=0\.0\.0\.0 opens the API to others, and there is no token yet/
            ],
            [["start", "--actors", "broken.ts"], {}, 1, /^postroom: broken\.ts: .*Expression expected/],
            [["start", "--speed", "9"], {}, 2, /Unrecognized flag: --speed.*\nTry: postroom start --help\n$/],
            [["tasks", "--status", "lost"], {}, 2, /^postroom: there is no status "lost": known are queued/]
          ]
          const ends = yield* Effect.forEach(
            cases,
            ([args, settings, ,]) => runProgram(args, { folder, env: { ...shared, ...settings } }),
            { concurrency: 2 }
          )
          for (const [i, [args, , code, line]] of cases.entries()) {
            const what = args.join(" ")
            assert.strictEqual(ends[i]!.code, code, what)
            assert.match(ends[i]!.err, line, what)
            assert.isAtMost(ends[i]!.err.trim().split("\n").length, 2, what)
          }
        })
      ),
    processesMs
  )

  it.live(
    "a second signal ends the process at once, whatever still runs",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const folder = yield* temporaryFolder
          const program = yield* startProgram(["start", "--actors", actors, "--roles", "api,nap"], {
            folder,
            env: env(folder)
          })
          const client = clientOf(yield* apiOf(program), yield* tokenOf(program))
          const { taskId } = (yield* client.post("/events", {
            id: "n",
            type: "nap",
            user: "anna",
            data: { ms: 60_000 }
          })).body
          yield* untilAnswer(client.get(`/tasks/${taskId}`), ({ status }) => status === "in_progress")
          yield* program.signal("SIGINT")
          yield* program.signal("SIGTERM")
          const { code, err } = yield* program.ended
          assert.strictEqual(code, 1)
          // Two signals that wait together may arrive in either order.
          assert.match(err, /^postroom: ended at once by a second SIG(INT|TERM)\n$/)
        })
      ),
    processesMs
  )
})
