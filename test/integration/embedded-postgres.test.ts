/** Several processes on one embedded server: joining, leaving, and being killed. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { startEmbeddedPostgres } from "../../src/database/embedded/EmbeddedPostgres.ts"
import { hold } from "../../src/database/embedded/holders.ts"
import { connect } from "../support/postgres.ts"
import { postmaster, processesOf, scratch, until, user } from "./embedded-postgres-driver.ts"

const startTime = "SELECT pg_postmaster_start_time()::text AS t"

const commandOf = (pid: number) => fs.readFileSync(`/proc/${pid}/comm`, "utf8").trim()

const childrenOf = (pid: number | undefined) =>
  fs.readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number)

/** The keeper of the server of `dataDir`, and the shell in it that watches for users. */
const shellsOf = (dataDir: string): ReadonlyArray<number> => {
  const keeper = processesOf(dataDir).find((pid) => pid !== postmaster(dataDir) && commandOf(pid) === "sh")
  return [keeper ?? 0, ...childrenOf(keeper).filter((pid) => commandOf(pid) === "sh")]
}

describe("the embedded PostgreSQL of several processes", () => {
  it.live("one server serves all, and nothing is left when the last has gone", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      // Below a closed directory, with spaces, and deeper than a socket path may be.
      const closed = path.join(folder, "closed to others")
      fs.mkdirSync(closed, { mode: 0o700 })
      const dataDir = path.join(closed, "a rather long name of a directory ".repeat(4), "data")
      const first = yield* user({ dataDir })
      assert.deepStrictEqual([first.first.failed, first.first.joined], [undefined, false])
      const second = yield* user({ dataDir })
      assert.strictEqual(second.first.joined, true)
      assert.isBelow(second.first.millis ?? Infinity, 1_000)
      assert.deepStrictEqual((yield* second.ask(startTime)).rows, (yield* first.ask(startTime)).rows)
      const settings = yield* first.ask(
        "SELECT current_setting('listen_addresses') AS tcp, current_setting('fsync') AS fsync, current_setting('jit') AS jit, current_setting('TimeZone') AS zone, current_setting('server_encoding') AS encoding, current_setting('data_checksums') AS checksums"
      )
      assert.deepStrictEqual(settings.rows, [
        { tcp: "", fsync: "on", jit: "off", zone: "UTC", encoding: "UTF8", checksums: "on" }
      ])
      assert.strictEqual(fs.statSync(dataDir).mode & 0o777, 0o700)

      yield* first.close
      assert.deepStrictEqual((yield* second.ask("SELECT 1 AS one")).rows, [{ one: 1 }])
      yield* second.close
      assert.deepStrictEqual(processesOf(folder), [])
      assert.isFalse(fs.existsSync(path.join(dataDir, "cluster", "postmaster.pid")))
    })
  )

  it.live("two first starts at the same moment end in one server", () =>
    Effect.gen(function* () {
      const dataDir = path.join(yield* scratch, "data")
      const users = yield* Effect.all([user({ dataDir }), user({ dataDir }), user({ dataDir })], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(
        users.map(({ first }) => first.failed),
        [undefined, undefined, undefined]
      )
      const times = yield* Effect.forEach(users, (one) =>
        Effect.map(one.ask(startTime), ({ rows }) => rows?.[0]?.["t"])
      )
      assert.strictEqual(new Set(times).size, 1)
      assert.deepStrictEqual(
        fs.readdirSync(dataDir).filter((name) => name.startsWith("new-")),
        []
      )
      yield* Effect.forEach(users, (one) => one.close, { concurrency: "unbounded" })
      assert.deepStrictEqual(processesOf(dataDir), [])
    })
  )

  it.live("killing the process that started the server disturbs no other, and the last one killed takes it along", () =>
    Effect.gen(function* () {
      const dataDir = path.join(yield* scratch, "data")
      const starter = yield* user({ dataDir, grace: "6 seconds" })
      yield* starter.ask("CREATE TABLE kept (n int)")
      const other = yield* user({ dataDir, grace: "6 seconds" })
      const backend = yield* other.ask("SELECT pg_backend_pid() AS pid")
      yield* starter.ask("INSERT INTO kept VALUES (1)")
      yield* starter.kill
      yield* other.ask("INSERT INTO kept VALUES (2)")
      assert.deepStrictEqual((yield* other.ask("SELECT pg_backend_pid() AS pid")).rows, backend.rows)

      // A start right after the kill finds the server still up.
      yield* other.kill
      const next = yield* user({ dataDir, grace: "6 seconds" })
      assert.strictEqual(next.first.joined, true)
      assert.deepStrictEqual((yield* next.ask("SELECT n FROM kept ORDER BY n")).rows, [{ n: 1 }, { n: 2 }])
      yield* next.kill
      yield* until(Effect.sync(() => processesOf(dataDir).length === 0))

      const later = yield* user({ dataDir })
      assert.strictEqual(later.first.joined, false)
      assert.deepStrictEqual((yield* later.ask("SELECT count(*)::int AS n FROM kept")).rows, [{ n: 2 }])
      yield* later.close
    })
  )

  it.live("a killed server is started again by its users, with everything that was committed", () =>
    Effect.gen(function* () {
      const dataDir = path.join(yield* scratch, "data")
      const server = yield* startEmbeddedPostgres({ dataDir })
      const beside = yield* user({ dataDir })
      assert.isFalse(yield* server.ensureRunning)
      yield* beside.ask("CREATE TABLE kept (n int)")
      for (const [round, victim] of ["server", "keeper"].entries()) {
        yield* beside.ask(`INSERT INTO kept VALUES (${round})`)
        const old = postmaster(dataDir)
        const keeper = Number(/^PPid:\s*(\d+)/m.exec(fs.readFileSync(`/proc/${old}/status`, "utf8"))?.[1] ?? Number.NaN)
        const gone = yield* Effect.forkChild(server.gone, { startImmediately: true })
        process.kill(victim === "server" ? old : keeper, "SIGKILL")
        yield* until(Effect.sync(() => gone.pollUnsafe() !== undefined))
        yield* server.ensureRunning
        assert.notStrictEqual(postmaster(dataDir), old)
        const sql = yield* connect(server.url)
        assert.strictEqual((yield* sql`SELECT n FROM kept`).length, round + 1)
      }
      yield* until(Effect.map(beside.ask("SELECT count(*)::int AS n FROM kept"), ({ rows }) => rows?.[0]?.["n"] === 2))
      const servers = processesOf(dataDir).filter((pid) => pid === postmaster(dataDir))
      assert.strictEqual(servers.length, 1)
      yield* beside.close
    })
  )

  it.live("who comes in the last moment of the grace keeps the server", () =>
    Effect.gen(function* () {
      const dataDir = path.join(yield* scratch, "data")
      const first = yield* user({ dataDir, grace: "1 second" })
      const { rows } = yield* first.ask(startTime)
      const watcher = shellsOf(dataDir)[1]
      yield* first.kill
      // It has seen that nobody is left, and lets the one second pass.
      const nap = yield* until(Effect.sync(() => childrenOf(watcher).length > 0)).pipe(
        Effect.andThen(Effect.sync(() => childrenOf(watcher)[0]))
      )
      const [holders, server] = ["holders", "server"].map((name) => path.join(dataDir, "run", name))
      yield* Effect.acquireRelease(
        Effect.sync(() => hold({ holders: holders!, server: server! })),
        (fd) => Effect.sync(() => fs.closeSync(fd))
      )
      yield* until(Effect.sync(() => !fs.existsSync(`/proc/${nap}`)))
      const second = yield* user({ dataDir, grace: "1 second" })
      assert.deepStrictEqual([second.first.joined, (yield* second.ask(startTime)).rows], [true, rows])
    })
  )

  it.live("a signal to every process of a service does not stop the server under those that drain", () =>
    Effect.gen(function* () {
      const dataDir = path.join(yield* scratch, "data")
      const server = yield* startEmbeddedPostgres({ dataDir })
      const sql = yield* connect(server.url)
      yield* sql`SELECT 1`
      const shells = shellsOf(dataDir)
      const ignoresSignals = (pid: number) => {
        const status = fs.readFileSync(`/proc/${pid}/status`, "utf8")
        const ignored = Number.parseInt(/^SigIgn:\s*(\w+)/m.exec(status)?.[1] ?? "0", 16)
        // Bits of SIGHUP, SIGINT and SIGTERM.
        return (ignored & 0x4003) === 0x4003
      }
      assert.strictEqual(shells.length, 2)
      assert.isTrue(shells.every(ignoresSignals))
      for (const pid of [...shells, postmaster(dataDir)]) process.kill(pid, "SIGTERM")
      for (const round of [1, 2, 3]) assert.deepStrictEqual(yield* sql`SELECT ${round}::int AS n`, [{ n: round }])
    })
  )

  it.live("a pid file that names a living stranger does not block a start", () =>
    Effect.gen(function* () {
      const dataDir = path.join(yield* scratch, "data")
      yield* Effect.scoped(startEmbeddedPostgres({ dataDir }))
      fs.writeFileSync(path.join(dataDir, "cluster", "postmaster.pid"), `${process.pid}\n${dataDir}\n1\n5432\n\n\n\n`)
      const again = yield* startEmbeddedPostgres({ dataDir })
      assert.isFalse(again.joined)
      assert.notStrictEqual(postmaster(dataDir), process.pid)
    })
  )
})
