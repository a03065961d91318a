import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option } from "effect"
import { returnBigInt } from "telegram/Helpers.js"
import { AuthKey } from "telegram/crypto/AuthKey.js"
import { FullPacketCodec } from "telegram/network/connection/TCPFull.js"
import { MemorySession } from "telegram/sessions/index.js"
import { Api } from "telegram/tl/index.js"
import { allGramJsPatches, installGramJsPatches } from "../../../src/services/telegram/gramJsPatches.ts"
import { link, patched, without } from "./rawClient.ts"
import { sandbox } from "./sandbox.ts"

describe("what each repair of GramJS is for", () => {
  /** Two calls whose answers come in one container, the first of them an error; "lost" when the second never ends. */
  const container = (patches: ReturnType<typeof without>) =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const client = yield* link(server, { patches })
      server.faults.add({ method: "updates.getState", error: "CHANNEL_PRIVATE", hold: true })
      const refused = Effect.flip(client.invoke(new Api.updates.GetState(), "read"))
      const answered = client.invoke(new Api.users.GetUsers({ id: [new Api.InputUserSelf()] }), "read")
      const both = yield* Effect.all([refused, Effect.timeoutOption(answered, 400)], { concurrency: "unbounded" })
      assert.strictEqual(both[0]._tag, "SourceGone")
      return Option.isSome(both[1]) ? "answered" : "lost"
    })

  it.live("containerIsolation: an error in a container does not swallow the answers behind it", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Effect.scoped(container(without("containerIsolation"))), "lost")
      assert.strictEqual(yield* Effect.scoped(container(allGramJsPatches)), "answered")
    })
  )

  const premiumWait = (patches: ReturnType<typeof without>) =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const client = yield* link(server, { patches })
      server.faults.add({ method: "updates.getState", error: "FLOOD_PREMIUM_WAIT_9" })
      return yield* Effect.flip(client.invoke(new Api.updates.GetState(), "read"))
    })

  it.live("serverErrorText: the server's text arrives whole", () =>
    Effect.gen(function* () {
      assert.notStrictEqual((yield* Effect.scoped(premiumWait(without("serverErrorText"))))._tag, "RateLimited")
      const reason = yield* Effect.scoped(premiumWait(allGramJsPatches))
      assert.isTrue(reason._tag === "RateLimited" && reason.seconds === 9 && reason.scope === "transfer")
    })
  )

  const deadKey = (patches: ReturnType<typeof without>) =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const session = server.mintSession()
      server.accounts.keys.clear()
      return yield* Effect.flip(link(server, { patches, session, connectTimeout: 400 }))
    })

  it.live("ownedReconnect: a key the server does not know is told instead of waited on", () =>
    Effect.gen(function* () {
      const waited = yield* Effect.scoped(deadKey(without("ownedReconnect")))
      assert.deepStrictEqual([waited._tag, waited.text], ["Unavailable", "connecting took too long"])
      assert.strictEqual((yield* Effect.scoped(deadKey(allGramJsPatches)))._tag, "AccountDead")
    })
  )

  const cut = (patches: ReturnType<typeof without>) =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const client = yield* link(server, { patches })
      server.faults.add({ method: "updates.getState", dropBefore: true })
      const call = Effect.exit(client.invoke(new Api.updates.GetState(), "read"))
      return yield* Effect.timeoutOption(call, 400)
    })

  it.live("ownedReconnect: a lost connection ends its calls at once", () =>
    Effect.gen(function* () {
      assert.isTrue(Option.isNone(yield* Effect.scoped(cut(without("ownedReconnect")))))
      const told = yield* Effect.scoped(cut(allGramJsPatches))
      assert.isTrue(Option.isSome(told) && Exit.isFailure(told.value))
    })
  )

  it.live("noEntityMemory: reading the same channel again and again keeps no rows of it", () =>
    Effect.gen(function* () {
      const answer = new Api.contacts.ResolvedPeer({
        peer: new Api.PeerChannel({ channelId: returnBigInt(1) }),
        chats: [
          new Api.Channel({
            id: returnBigInt(1),
            accessHash: returnBigInt(2),
            title: "a",
            username: "a_channel",
            photo: new Api.ChatPhotoEmpty(),
            date: 0
          })
        ],
        users: []
      })
      const rows = Effect.sync(() => {
        const session = new MemorySession()
        for (let read = 0; read < 50; read++) session.processEntities(answer)
        return (session as unknown as Record<string, ReadonlySet<unknown>>)["_entities"]?.size
      })
      assert.strictEqual(yield* rows, 50)
      yield* patched(["noEntityMemory"])
      assert.strictEqual(yield* rows, 0)
    })
  )

  it.live("boundedFrames: a frame shorter than its header or larger than any answer is refused, not read", () =>
    Effect.gen(function* () {
      const asked = (length: number) =>
        Effect.promise(async () => {
          const header = Buffer.alloc(8)
          header.writeInt32LE(length)
          const counts: Array<number> = []
          const readExactly = async (count: number) => {
            counts.push(count)
            if (counts.length > 1) throw new Error("stop")
            return header
          }
          await new FullPacketCodec({}).readPacket({ readExactly } as never).catch(() => undefined)
          return counts
        })
      assert.deepStrictEqual(yield* asked(4), [8, -4])
      assert.deepStrictEqual(yield* asked(2 ** 30), [8, 2 ** 30 - 8])
      yield* patched(["boundedFrames"])
      assert.deepStrictEqual(yield* asked(4), [8])
      assert.deepStrictEqual(yield* asked(2 ** 30), [8])
      assert.deepStrictEqual(yield* asked(-404), [8, 4])
      assert.deepStrictEqual(yield* asked(100), [8, 92])
    })
  )

  it.live("wholeAuthKey: a key that begins with zero keeps its 256 bytes", () =>
    Effect.gen(function* () {
      const length = Effect.promise(async () => {
        const key = new AuthKey()
        await key.setKey(Buffer.alloc(255, 1))
        return key.getKey()?.length
      })
      assert.strictEqual(yield* length, 255)
      yield* patched(["wholeAuthKey"])
      assert.strictEqual(yield* length, 256)
    })
  )

  it("patches are counted: the last user takes them back", () => {
    const original = MemorySession.prototype.processEntities
    const first = installGramJsPatches(["noEntityMemory"])
    const second = installGramJsPatches(["noEntityMemory"])
    first()
    assert.notStrictEqual(MemorySession.prototype.processEntities, original)
    second()
    assert.strictEqual(MemorySession.prototype.processEntities, original)
  })
})
