import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"
import { gateway, posts, sandbox } from "./sandbox.ts"

const child = fileURLToPath(new URL("leaving-child.ts", import.meta.url))

describe("leaving", () => {
  it.live("a process that closes its gateway ends within 100 ms, with downloads, drops and open calls behind it", () =>
    Effect.gen(function* () {
      const [post] = posts(1)
      const photo = { bytes: () => Buffer.alloc(600_000, 3), width: 64, height: 48, name: "a.jpg" }
      const server = yield* sandbox({ source: [{ ...post!, photo }], secondDataCentre: true })
      server.faults.add({ method: "users.getUsers", dropBefore: true })
      server.faults.add({ method: "users.getUsers", skip: 1, silent: true })
      const address = { host: "127.0.0.1", port: server.port, dc: server.dc, publicKey: server.publicKey }
      const task = JSON.stringify({ server: address, session: server.mintSession() })
      const printed = yield* Effect.callback<string, Error>((resume) => {
        const running = execFile(process.execPath, [child, task], { timeout: 20_000 }, (error, stdout) =>
          resume(error === null ? Effect.succeed(stdout) : Effect.fail(error))
        )
        return Effect.sync(() => running.kill("SIGKILL"))
      })
      assert.match(printed, /^\d+\n$/)
      assert.isBelow(Number(printed), 100)
      assert.deepStrictEqual(server.faults.left(), [])
    })
  )

  it.live("the server sees the connection go when the gateway is closed", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      yield* Effect.scoped(Effect.flatMap(gateway(server), (telegram) => telegram.me))
      yield* Effect.repeat(Effect.sleep(5), { until: () => server.connections() === 0, times: 400 })
      assert.strictEqual(server.connections(), 0)
    })
  )
})
