import { assert, describe, it } from "@effect/vitest"
import { createServer, type AddressInfo, type Server } from "node:net"
import { Clock, Deferred, Effect, Fiber, Redacted } from "effect"
import { gateway, published, sandbox } from "./sandbox.ts"

describe("when Telegram misbehaves", () => {
  it.live("a flood wait is told at once and not slept out", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const target = yield* telegram.resolve("target_channel")
      for (const [error, seconds, scope] of [
        ["FLOOD_WAIT_3", 3, "method"],
        ["FLOOD_WAIT_60000", 60_000, "method"],
        ["FLOOD_PREMIUM_WAIT_9", 9, "transfer"],
        ["SLOWMODE_WAIT_30", 30, "chat"]
      ] as const) {
        server.faults.add({ method: "messages.sendMessage", error })
        const failure = yield* Effect.flip(telegram.sendText(target, { randomId: "1", text: "a" }))
        assert.deepStrictEqual(
          [failure.reason._tag, failure.waitSeconds, failure.isRetryable],
          ["RateLimited", seconds, true]
        )
        assert.isTrue(failure.reason._tag === "RateLimited" && failure.reason.scope === scope)
      }
      yield* telegram.sendText(target, { randomId: "1", text: "a" })
      assert.deepStrictEqual(published(server), ["a"])
    })
  )

  it.live("server errors are retryable, refusals of the target are not", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const target = yield* telegram.resolve("target_channel")
      for (const [error, code, tag, retryable] of [
        ["WORKER_BUSY_TOO_LONG_RETRY", 500, "Unavailable", true],
        ["RPC_CALL_FAIL", 500, "Unavailable", true],
        ["CHAT_WRITE_FORBIDDEN", 403, "TargetForbidden", false],
        ["PEER_FLOOD", 400, "AccountRestricted", false],
        ["AUTH_KEY_UNREGISTERED", 401, "AccountDead", false]
      ] as const) {
        server.faults.add({ method: "messages.sendMessage", error, code })
        const failure = yield* Effect.flip(telegram.sendText(target, { randomId: "1", text: "a" }))
        assert.deepStrictEqual([failure.reason._tag, failure.isRetryable], [tag, retryable], error)
      }
    })
  )

  it.live("a reply lost after the post is still one post, found by its random id", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const target = yield* telegram.resolve("target_channel")
      server.faults.add({ method: "messages.sendMessage", dropAfter: true })
      const sent = yield* telegram.sendText(target, { randomId: "7", text: "once" })
      assert.deepStrictEqual(sent, { messageIds: [1], duplicate: true })
      assert.deepStrictEqual(published(server), ["once"])
    })
  )

  it.live("a connection cut before the post is one post", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const target = yield* telegram.resolve("target_channel")
      server.faults.add({ method: "messages.sendMessage", dropBefore: true, times: 2 })
      const sent = yield* telegram.sendText(target, { randomId: "7", text: "once" })
      assert.deepStrictEqual(sent, { messageIds: [1], duplicate: false })
      assert.deepStrictEqual(published(server), ["once"])
    })
  )

  it.live("replies lost every time end as an unknown outcome, and the same random id later is one post", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server, { requestRetries: 2 })
      const target = yield* telegram.resolve("target_channel")
      server.faults.add({ method: "messages.sendMessage", dropAfter: true, times: 2 })
      const failure = yield* Effect.flip(telegram.sendText(target, { randomId: "7", text: "once" }))
      assert.deepStrictEqual([failure.reason._tag, failure.isRetryable], ["UnknownOutcome", true])
      const sent = yield* telegram.sendText(target, { randomId: "7", text: "once" })
      assert.deepStrictEqual(sent, { messageIds: [1], duplicate: true })
      assert.deepStrictEqual(published(server), ["once"])
    })
  )

  for (const fault of ["silent", "ignored"] as const) {
    it.live(`silence after a send (${fault}) is an unknown outcome in time, and the same random id is one post`, () =>
      Effect.gen(function* () {
        const server = yield* sandbox()
        const telegram = yield* gateway(server, { sendTimeout: 300 })
        const target = yield* telegram.resolve("target_channel")
        server.faults.add({ method: "messages.sendMessage", [fault]: true })
        const before = yield* Clock.currentTimeMillis
        const failure = yield* Effect.flip(telegram.sendText(target, { randomId: "7", text: "once" }))
        assert.strictEqual(failure.reason._tag, "UnknownOutcome")
        assert.isBelow((yield* Clock.currentTimeMillis) - before, 1500)
        const sent = yield* telegram.sendText(target, { randomId: "7", text: "once" })
        assert.deepStrictEqual(sent, { messageIds: [1], duplicate: fault === "silent" })
        assert.deepStrictEqual(published(server), ["once"])
      })
    )
  }

  it.live("silence after a read is Unavailable in time, and the next read works", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server, { timeout: 300 })
      const peer = yield* telegram.resolve("source_channel")
      server.faults.add({ method: "messages.getHistory", silent: true })
      const failure = yield* Effect.flip(telegram.history(peer, { minId: 0, limit: 10 }))
      assert.strictEqual(failure.reason._tag, "Unavailable")
      assert.strictEqual((yield* telegram.history(peer, { minId: 0, limit: 10 })).length, 3)
    })
  )

  it.live("a read cut off is read again by itself", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const peer = yield* telegram.resolve("source_channel")
      server.dropConnections()
      server.faults.add({ method: "messages.getHistory", dropBefore: true })
      assert.strictEqual((yield* telegram.history(peer, { minId: 0, limit: 10 })).length, 3)
    })
  )

  it.live("a server that is not there is Unavailable, not a hang", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const gone = { host: "127.0.0.1", port: 1, dc: 2, publicKey: server.publicKey }
      const telegram = yield* gateway(server, { server: gone })
      assert.strictEqual((yield* Effect.flip(telegram.me)).reason._tag, "Unavailable")
    })
  )

  it.live("a session the server has forgotten is a dead account", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      yield* telegram.me
      server.accounts.keys.clear()
      const failure = yield* Effect.flip(telegram.me)
      assert.deepStrictEqual([failure.reason._tag, failure.isRetryable], ["AccountDead", false])
    })
  )

  it.live("a bot whose session the server has forgotten signs in again by itself", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server, { botToken: Redacted.make("777000777:sandbox") })
      yield* telegram.me
      server.accounts.keys.clear()
      assert.strictEqual((yield* telegram.me).username, "postroom_bot")
    })
  )

  it.live("a bot that is refused again after signing in again is a dead account, not a loop", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server, { botToken: Redacted.make("777000777:sandbox") })
      yield* telegram.me
      server.faults.add({ method: "users.getUsers", times: 100, error: "AUTH_KEY_UNREGISTERED", code: 401 })
      assert.strictEqual((yield* Effect.flip(telegram.me)).reason._tag, "AccountDead")
      const logins = server.calls().filter((call) => call.method === "auth.ImportBotAuthorization").length
      assert.strictEqual(logins, 2)
    })
  )

  it.live("a wrong bot token is a dead account", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server, { botToken: Redacted.make("1:wrong") })
      assert.strictEqual((yield* Effect.flip(telegram.me)).reason._tag, "AccountDead")
    })
  )

  it.live("a key used from two places is told as such", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      server.faults.add({ method: "help.getConfig", error: "AUTH_KEY_DUPLICATED", code: 406 })
      const { reason } = yield* Effect.flip(telegram.me)
      assert.isTrue(reason._tag === "AccountDead" && reason.duplicated)
    })
  )

  it.live("too many connections (-429) is retried on a new one", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      server.faults.add({ method: "users.getUsers", transportError: -429 })
      assert.strictEqual((yield* telegram.me).username, "postroom_bot")
    })
  )

  it.live("an answer that comes late is waited for", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      yield* telegram.me
      server.faults.add({ method: "users.getUsers", delayMs: 150 })
      const before = yield* Clock.currentTimeMillis
      yield* telegram.me
      assert.isAtLeast((yield* Clock.currentTimeMillis) - before, 140)
    })
  )

  it.live("salts that change under the client cost nothing but a resend", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const target = yield* telegram.resolve("target_channel")
      server.accounts.rotateSalts()
      yield* telegram.sendText(target, { randomId: "1", text: "a" })
      server.accounts.rotateSalts()
      yield* telegram.sendText(target, { randomId: "2", text: "b" })
      assert.deepStrictEqual(published(server), ["a", "b"])
    })
  )

  it.live("a refusal is recognised inside a gzipped answer", () =>
    Effect.gen(function* () {
      const server = yield* sandbox({ gzipAbove: 1 })
      const telegram = yield* gateway(server)
      server.faults.add({ method: "users.getUsers", error: "SOMETHING_NEW" })
      assert.strictEqual((yield* Effect.flip(telegram.me)).reason._tag, "Rejected")
      assert.strictEqual((yield* telegram.me).firstName, "Postroom")
    })
  )

  it.live("calls wait for each other: one request is in flight at a time, in the order they were made", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const target = yield* telegram.resolve("target_channel")
      server.faults.add({ method: "messages.sendMessage", delayMs: 100 })
      const texts = Array.from({ length: 8 }, (_, index) => `${index}`)
      const sends = texts.map((text, index) => telegram.sendText(target, { randomId: `${index + 1}`, text }))
      yield* Effect.all(sends, { concurrency: "unbounded" })
      assert.deepStrictEqual(published(server), texts)
      const [first, second] = server.calls().filter((call) => call.method === "messages.SendMessage")
      assert.isAtLeast(second!.at - first!.at, 99)
    })
  )

  it.live("a connection that no longer answers pings is given up while idle, and the next call makes another", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server, { keepAlive: 30, connectTimeout: 200 })
      yield* telegram.me
      server.faults.add({ method: "ping" })
      yield* Effect.repeat(Effect.sleep(5), { until: () => server.connections() === 0, times: 400 })
      assert.strictEqual(server.connections(), 0)
      assert.strictEqual((yield* telegram.me).username, "postroom_bot")
    })
  )

  it.live("a bot that lives in another data centre signs in there", () =>
    Effect.gen(function* () {
      const server = yield* sandbox({ secondDataCentre: true })
      const telegram = yield* gateway(server, { botToken: Redacted.make("777000777:sandbox") })
      server.faults.add({ method: "auth.importBotAuthorization", error: "USER_MIGRATE_4", code: 303 })
      assert.strictEqual((yield* telegram.me).username, "postroom_bot")
      server.dropConnections()
      assert.strictEqual((yield* telegram.me).username, "postroom_bot")
      const logins = server.calls().filter((call) => call.method === "auth.ImportBotAuthorization").length
      assert.strictEqual(logins, 2)
    })
  )

  it.live("a server that talks nonsense is Unavailable, whatever it sends", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const answers = [
        [4, 0, 1, 2],
        [0, 0],
        [-1, 7, 7],
        [2 ** 30, 0],
        [24, 0, 1, 2, 3, 4],
        [-404, -404, -404]
      ]
      let next = 0
      const nonsense = yield* Effect.acquireRelease(
        Effect.callback<Server>((resume) => {
          const listening = createServer((socket) => {
            socket.on("error", () => undefined)
            const words = answers[next++ % answers.length] ?? []
            socket.on("data", () => socket.write(Buffer.from(Int32Array.from(words).buffer)))
          }).listen(0, "127.0.0.1", () => resume(Effect.succeed(listening)))
        }),
        (listening) => Effect.callback<void>((resume) => void listening.close(() => resume(Effect.void)))
      )
      const { port } = nonsense.address() as AddressInfo
      for (const _ of answers) {
        const failure = yield* Effect.scoped(
          Effect.flatMap(
            gateway(server, {
              server: { host: "127.0.0.1", port, dc: 2, publicKey: server.publicKey },
              botToken: Redacted.make("1:a"),
              connectTimeout: 200,
              requestRetries: 1
            }),
            (telegram) => Effect.flip(telegram.me)
          )
        )
        assert.strictEqual(failure.reason._tag, "Unavailable")
      }
    })
  )

  it.live("a cancelled send leaves the gateway usable and its random id decides", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const target = yield* telegram.resolve("target_channel")
      const arrived = yield* Deferred.make<void>()
      const stop = server.world.onChange(() => Deferred.doneUnsafe(arrived, Effect.void))
      server.faults.add({ method: "messages.sendMessage", silent: true })
      const fiber = yield* Effect.forkChild(telegram.sendText(target, { randomId: "9", text: "once" }))
      yield* Deferred.await(arrived)
      stop()
      yield* Fiber.interrupt(fiber)
      const sent = yield* telegram.sendText(target, { randomId: "9", text: "once" })
      assert.deepStrictEqual(sent, { messageIds: [1], duplicate: true })
      assert.deepStrictEqual(published(server), ["once"])
    })
  )
})
