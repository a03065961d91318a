import { assert, describe, it } from "@effect/vitest"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { returnBigInt } from "telegram/Helpers.js"
import { Api } from "telegram/tl/index.js"
import { loginCode } from "../../../src/sandbox/telegram/Accounts.ts"
import { stableNumber } from "../../../src/sandbox/telegram/Files.ts"
import { makeFaultScript } from "../../../src/sandbox/telegram/Faults.ts"
import { historyPage } from "../../../src/sandbox/telegram/methods/channels.ts"
import type { LedgerEntry } from "../../../src/sandbox/telegram/Ledger.ts"
import { makeRateLimiter, observedRates } from "../../../src/sandbox/telegram/RateLimiter.ts"
import { TelegramServer } from "../../../src/sandbox/telegram/TelegramServer.ts"
import type { Link } from "../../../src/services/telegram/GramJsLink.ts"
import { link } from "./rawClient.ts"
import { gateway, jpeg, posts, published, sandbox, serverKey } from "./sandbox.ts"

const targetOf = (client: Link) =>
  Effect.map(client.invoke(new Api.contacts.ResolveUsername({ username: "target_channel" }), "read"), (answer) => {
    const channel = answer.chats[0] as Api.Channel
    return new Api.InputPeerChannel({ channelId: channel.id, accessHash: channel.accessHash ?? returnBigInt(0) })
  })
const send = (client: Link, peer: Api.InputPeerChannel, randomId: number, message: string, more: object = {}) =>
  client.invoke(new Api.messages.SendMessage({ peer, message, randomId: returnBigInt(randomId), ...more }), "send")

describe("the sandbox Telegram", () => {
  it.live("a server in a layer lives as long as the layer", () =>
    Effect.gen(function* () {
      const world = { channels: [] }
      const server = yield* Effect.provide(TelegramServer, TelegramServer.layer({ world, key: serverKey }))
      assert.isAbove(server.port, 0)
      const refused = yield* Effect.callback<string | undefined>((resume) => {
        const socket = connect(server.port, "127.0.0.1")
        socket.on("connect", () => resume(Effect.succeed("connected")))
        socket.on("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code)))
        return Effect.sync(() => void socket.destroy())
      })
      assert.strictEqual(refused, "ECONNREFUSED")
    })
  )

  it.live("flood control answers FLOOD_WAIT by itself, by account and method", () =>
    Effect.gen(function* () {
      const methods = { "contacts.resolveUsername": { burst: 2, everySeconds: 30 } }
      const server = yield* sandbox({ rateLimits: { methods } })
      const telegram = yield* gateway(server)
      yield* telegram.resolve("source_channel")
      const target = yield* telegram.resolve("target_channel")
      const failure = yield* Effect.flip(telegram.resolve("source_channel"))
      assert.isTrue(failure.waitSeconds !== undefined && failure.waitSeconds > 25 && failure.waitSeconds <= 30)
      yield* telegram.sendText(target, { randomId: "1", text: "other methods pass" })
    })
  )

  it("a bucket fills again with time and an album costs its items", () => {
    let now = 0
    const limiter = makeRateLimiter({ methods: {}, postsPerChat: { burst: 10, everySeconds: 3 } }, () => now)
    assert.strictEqual(limiter.take("a", "messages.sendMultiMedia", "chat", 10), 0)
    assert.strictEqual(limiter.take("a", "messages.sendMessage", "chat", 1), 3)
    assert.strictEqual(limiter.take("a", "messages.sendMessage", "other", 1), 0)
    assert.strictEqual(limiter.take("b", "messages.sendMessage", "chat", 1), 0)
    now = 3000
    assert.strictEqual(limiter.take("a", "messages.sendMessage", "chat", 1), 0)
    assert.strictEqual(limiter.take("a", "messages.sendMessage", "chat", 2), 6)
    const observed = makeRateLimiter(observedRates, () => now)
    const waits = Array.from({ length: 6 }, () => observed.take("a", "CONTACTS.resolveusername", undefined, 0))
    assert.deepStrictEqual(waits, [0, 0, 0, 0, 0, 30])
  })

  it("a history page follows Telegram's offsets", () => {
    const all = posts(10).map((post) => Object.assign({ entities: [] }, post))
    const page = (offsetId: number, addOffset: number, limit: number, minId = 0, maxId = 0) =>
      historyPage(all, { offsetId, addOffset, limit, minId, maxId }).map((post) => post.id)
    assert.deepStrictEqual(page(0, 0, 3), [10, 9, 8])
    assert.deepStrictEqual(page(8, 0, 3), [7, 6, 5])
    assert.deepStrictEqual(page(4, -3, 3), [6, 5, 4])
    assert.deepStrictEqual(page(1, -4, 4), [4, 3, 2, 1])
    assert.deepStrictEqual(page(0, 2, 2), [8, 7])
    assert.deepStrictEqual(page(0, 0, 100, 7, 10), [9, 8])
    assert.deepStrictEqual(page(10, -100, 100), [10])
    assert.deepStrictEqual(page(0, -2, 3), [10])
  })

  it("a fault hits its method only, after those it skips, as often as told", () => {
    const faults = makeFaultScript()
    faults.add({ method: "messages.sendMessage", skip: 1, times: 2, error: "INTERNAL" })
    assert.isUndefined(faults.take("updates.GetState"))
    assert.isUndefined(faults.take("messages.SendMessage"))
    assert.isDefined(faults.take("messages.SendMessage"))
    assert.isDefined(faults.take("messages.SendMessage"))
    assert.isUndefined(faults.take("messages.SendMessage"))
    assert.deepStrictEqual(faults.left(), [])
  })

  it.live("the ledger is in its file before the answer is sent", () =>
    Effect.gen(function* () {
      const directory = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "postroom-ledger-"))),
        (made) => Effect.sync(() => rmSync(made, { recursive: true }))
      )
      const ledgerFile = join(directory, "ledger.jsonl")
      const server = yield* sandbox({ ledgerFile })
      const telegram = yield* gateway(server)
      const target = yield* telegram.resolve("target_channel")
      yield* telegram.sendText(target, { randomId: "1", text: "a" })
      yield* telegram.sendText(target, { randomId: "1", text: "a" })
      yield* telegram.edit(target, 1, { text: "b", entities: [] })
      yield* telegram.delete(target, [1])
      const lines = readFileSync(ledgerFile, "utf8").trimEnd().split("\n")
      const entries = lines.map((line) => JSON.parse(line) as LedgerEntry)
      assert.deepStrictEqual(
        entries.map((entry) => entry.event),
        ["sent", "repeated", "edited", "deleted"]
      )
      assert.deepStrictEqual(entries, JSON.parse(JSON.stringify(server.ledger.entries())))
      assert.deepInclude(entries[0]!, {
        textHash: "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
        messageId: 1,
        username: "target_channel"
      })
    })
  )

  it.live("a scheduled post waits in its queue, is published when due, and can be withdrawn", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const client = yield* link(server)
      const peer = yield* targetOf(client)
      const soon = Math.trunc(Date.now() / 1000) + 3600
      for (const id of [1, 2, 3]) yield* send(client, peer, id, `post ${id}`, { scheduleDate: soon })
      assert.deepStrictEqual(published(server), [])
      yield* client.invoke(new Api.messages.DeleteScheduledMessages({ peer, id: [2] }), "send")
      yield* client.invoke(new Api.messages.SendScheduledMessages({ peer, id: [3] }), "send")
      const ask = new Api.messages.GetScheduledHistory({ peer, hash: returnBigInt(0) })
      const waiting = yield* client.invoke(ask, "read")
      assert.deepStrictEqual(published(server), ["post 3"])
      assert.deepStrictEqual("messages" in waiting ? waiting.messages.map((message) => message.id) : [], [1])
      const tooLate = yield* Effect.flip(send(client, peer, 9, "x", { scheduleDate: soon + 400 * 86_400 }))
      assert.strictEqual(tooLate.text, "SCHEDULE_DATE_TOO_LATE")
    })
  )

  it.effect("a scheduled post is published by the clock", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const target = server.world.byUsername("target_channel")!
      server.world.schedule(target, [{ date: 30, text: "due", entities: [] }])
      const waiting = yield* Effect.forkChild(TestClock.adjust("29 seconds"))
      yield* Fiber.join(waiting)
      assert.deepStrictEqual(published(server), [])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(published(server), ["due"])
    })
  )

  it.live("a phone number signs in with its code, and not with another", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const client = yield* link(server, { session: "" })
      const phoneNumber = `+${stableNumber("phone", "777000777").slice(0, 11)}`
      const settings = new Api.CodeSettings({})
      const code = yield* client.invoke(
        new Api.auth.SendCode({ phoneNumber, apiId: 1, apiHash: "hash", settings }),
        "account"
      )
      const phoneCodeHash = code instanceof Api.auth.SentCode ? code.phoneCodeHash : ""
      const sign = (phoneCode: string) =>
        client.invoke(new Api.auth.SignIn({ phoneNumber, phoneCodeHash, phoneCode }), "account")
      assert.strictEqual((yield* Effect.flip(sign("11111"))).text, "PHONE_CODE_INVALID")
      assert.isTrue((yield* sign(loginCode)) instanceof Api.auth.Authorization)
      yield* client.invoke(new Api.updates.GetState(), "read")
    })
  )

  it.live("a random id of 0, an empty text, a reply to nothing and one id twice in an album are refused", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const target = yield* telegram.resolve("target_channel")
      const bytes = yield* Effect.promise(() => jpeg())
      const photo = yield* telegram.uploadPhoto(target, bytes, "a.jpg")
      const album = [
        { randomId: "5", photo },
        { randomId: "5", photo }
      ]
      const refused = yield* Effect.all([
        Effect.flip(telegram.sendText(target, { randomId: "0", text: "a" })),
        Effect.flip(telegram.sendText(target, { randomId: "1", text: " " })),
        Effect.flip(telegram.sendText(target, { randomId: "2", text: "a", replyTo: 77 }))
      ])
      assert.deepStrictEqual(
        refused.map((error) => error.reason.text),
        ["RANDOM_ID_EMPTY", "MESSAGE_EMPTY", "REPLY_MESSAGE_ID_INVALID"]
      )
      assert.strictEqual((yield* Effect.flip(telegram.sendAlbum(target, album))).reason._tag, "Rejected")
      assert.deepStrictEqual(published(server), [])
    })
  )

  it.live("bots may not read history when the server is strict about it", () =>
    Effect.gen(function* () {
      const server = yield* sandbox({ settings: { botsReadHistory: false } })
      const client = yield* link(server, { session: "" })
      const login = { flags: 0, apiId: 1, apiHash: "hash", botAuthToken: "777000777:sandbox" }
      yield* client.invoke(new Api.auth.ImportBotAuthorization(login), "account")
      const peer = yield* targetOf(client)
      const common = { offsetId: 0, offsetDate: 0, addOffset: 0, limit: 1, maxId: 0, minId: 0, hash: returnBigInt(0) }
      const reason = yield* Effect.flip(client.invoke(new Api.messages.GetHistory({ peer, ...common }), "read"))
      assert.strictEqual(reason.text, "BOT_METHOD_INVALID")
      const nameless = new Api.InputPeerChannel({ channelId: peer.channelId, accessHash: returnBigInt(0) })
      yield* send(client, nameless, 1, "a bot may name a channel by its bare id")
      assert.strictEqual(published(server).length, 1)
    })
  )
})
