import { assert, describe, it } from "@effect/vitest"
import { connect } from "node:net"
import { Deferred, Effect, FiberSet, type Scope } from "effect"
import { returnBigInt } from "telegram/Helpers.js"
import { NewMessage } from "telegram/events/index.js"
import { ConnectionTCPAbridged, ConnectionTCPFull } from "telegram/network/index.js"
import { Api } from "telegram/tl/index.js"
import type { TelegramServerHandle } from "../../../src/sandbox/telegram/TelegramServer.ts"
import { link, plainClient } from "./rawClient.ts"
import { gateway, posts, sandbox } from "./sandbox.ts"

/** Opens a socket, sends the bytes and waits until the server has closed it (or we ended it and it followed). */
const send = (server: TelegramServerHandle, bytes: Uint8Array, end: boolean): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const socket = connect(server.port, "127.0.0.1", () => {
      if (end) socket.end(bytes)
      else socket.write(bytes)
    })
    socket.on("error", () => undefined)
    socket.on("data", () => undefined)
    socket.on("close", () => resume(Effect.void))
  })

/** Pseudo-random bytes by a seed. */
const noise = (seed: number, length: number): Buffer => {
  let state = seed
  return Buffer.from(Array.from({ length }, () => (state = (state * 1_103_515_245 + 12_345) & 0x7fffffff) >> 16))
}
const int = (...values: ReadonlyArray<number>): Buffer => {
  const bytes = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => bytes.writeInt32LE(value, index * 4))
  return bytes
}
const answers = (server: TelegramServerHandle): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const telegram = yield* gateway(server)
    const me = yield* Effect.orDie(telegram.me)
    assert.strictEqual(me.username, "postroom_bot")
  })

describe("the wire of the sandbox server", () => {
  it.live("random bytes end their connection and the server answers on", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      yield* Effect.forEach(
        Array.from({ length: 60 }, (_, seed) => seed),
        (seed) => send(server, noise(seed + 1, 1 + ((seed * 37) % 700)), true),
        { concurrency: 10 }
      )
      yield* answers(server)
    })
  )

  it.live("huge, tiny and negative lengths are refused at once, in every transport", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const bad = [
        int(0),
        int(4),
        int(11),
        int(-1),
        int(0x7fffffff),
        int(2 ** 24, 0, 0),
        Buffer.from([0xef, 0x00]),
        Buffer.from([0xef, 0x7f, 0xff, 0xff, 0xff]),
        Buffer.concat([int(0xeeeeeeee | 0), int(0)]),
        Buffer.concat([int(0xeeeeeeee | 0), int(0x7fffffff)]),
        Buffer.concat([int(0xdddddddd | 0), int(0x7ffffffe)]),
        int(24, 0, 1, 2, 3, 4)
      ]
      yield* Effect.forEach(bad, (bytes) => send(server, bytes, false), { concurrency: 4 })
      yield* answers(server)
      assert.strictEqual(server.connections(), 1)
    })
  )

  it.live("frames cut off in the middle are no harm", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      for (const length of [1, 3, 4, 7, 11, 100])
        yield* send(server, Buffer.concat([int(4000, 0), noise(3, length)]), true)
      yield* answers(server)
    })
  )

  it.live("plain messages that are no handshake end their connection", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      for (const body of [int(0x1cb5c415, 0x7fffffff), int(0xd712e4be | 0, 1, 2), int(0x12345678), noise(9, 40)]) {
        const message = Buffer.concat([Buffer.alloc(8), Buffer.alloc(8, 4), int(body.length), body])
        const frame = Buffer.concat([Buffer.from([0xef, message.length / 4]), message])
        yield* send(server, frame, false)
      }
      yield* answers(server)
    })
  )

  it.live("a message with an unknown key is answered with -404", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const reply = yield* Effect.callback<Buffer>((resume) => {
        const socket = connect(server.port, "127.0.0.1", () =>
          socket.write(Buffer.concat([Buffer.from([0xef, 20]), Buffer.alloc(80, 1)]))
        )
        socket.once("data", (data) => {
          socket.destroy()
          resume(Effect.succeed(data))
        })
      })
      assert.deepStrictEqual(reply, Buffer.concat([Buffer.from([1]), int(-404)]))
    })
  )

  it.live("garbage inside a well encrypted message is refused and spoils nothing for later requests", () =>
    Effect.gen(function* () {
      const server = yield* sandbox({ source: posts(5) })
      const client = yield* link(server)
      const raw = (bytes: Buffer) =>
        Effect.flip(
          client.invoke({ className: "Garbage", classType: "request", getBytes: () => bytes } as never, "read")
        )
      const truncatedVector = Buffer.concat([int(0xad8c9a23 | 0, 0xf35aec28 | 0, 1, 0, 2, 0), int(0x1cb5c415, 100)])
      const hugeVector = Buffer.concat([truncatedVector.subarray(0, -4), int(0x7fffffff)])
      for (const bytes of [
        truncatedVector,
        hugeVector,
        int(0x83c95aec | 0),
        noise(5, 64),
        int(0x3072cfa1, 0x04030201)
      ]) {
        const reason = yield* raw(bytes)
        assert.match(reason.text, /^INPUT_(FETCH_ERROR|CONSTRUCTOR_INVALID)$/)
      }
      const id = [new Api.InputMessageID({ id: 1 }), new Api.InputMessageID({ id: 2 })]
      const resolved = yield* client.invoke(new Api.contacts.ResolveUsername({ username: "source_channel" }), "read")
      const channel = resolved.chats[0] as Api.Channel
      const input = new Api.InputChannel({ channelId: channel.id, accessHash: channel.accessHash ?? returnBigInt(0) })
      const found = yield* client.invoke(new Api.channels.GetMessages({ channel: input, id }), "read")
      assert.strictEqual("messages" in found ? found.messages.length : 0, 2)
    })
  )

  for (const [name, Transport] of [
    ["full", ConnectionTCPFull],
    ["abridged", ConnectionTCPAbridged]
  ] as const) {
    it.live(`GramJS itself is served over ${name}, and hears of posts as they appear`, () =>
      Effect.gen(function* () {
        const server = yield* sandbox()
        const client = yield* plainClient(server, Transport as typeof ConnectionTCPFull)
        const heard = yield* Deferred.make<string>()
        client.addEventHandler(
          (event) => void Deferred.doneUnsafe(heard, Effect.succeed(event.message.message)),
          new NewMessage({})
        )
        const messages = yield* Effect.promise(() => client.getMessages("source_channel", { limit: 2 }))
        assert.deepStrictEqual(
          messages.map((message) => message.id),
          [3, 2]
        )
        server.world.addPost("source_channel", { text: "breaking" })
        assert.strictEqual(yield* Deferred.await(heard), "breaking")
      })
    )
  }

  it.live("several requests in one container are each answered", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const client = yield* link(server)
      const calls = Array.from({ length: 5 }, () => client.invoke(new Api.updates.GetState(), "read"))
      assert.strictEqual((yield* Effect.all(calls, { concurrency: "unbounded" })).length, 5)
    })
  )

  it.live("service messages are answered as what they are", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const client = yield* link(server)
      const pong = yield* client.invoke(new Api.Ping({ pingId: returnBigInt(77) }), "read")
      assert.strictEqual(pong.pingId.toString(), "77")
    })
  )

  it.live("a method the server does not have is refused by name", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const client = yield* link(server)
      const reason = yield* Effect.flip(client.invoke(new Api.help.GetAppConfig({ hash: 0 }), "read"))
      assert.strictEqual(reason.text, "INPUT_METHOD_INVALID")
    })
  )

  it.live("nothing but signing in is served before signing in", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const client = yield* link(server, { session: "" })
      const reason = yield* Effect.flip(client.invoke(new Api.updates.GetState(), "read"))
      assert.deepStrictEqual([reason._tag, reason.text], ["AccountDead", "AUTH_KEY_UNREGISTERED"])
    })
  )

  it.live("a closed server leaves no connection", () =>
    Effect.gen(function* () {
      const fibers = yield* FiberSet.make<void, unknown>()
      const server = yield* Effect.scoped(
        Effect.gen(function* () {
          const inner = yield* sandbox()
          yield* FiberSet.run(fibers, send(inner, int(40, 0), false))
          yield* answers(inner)
          return inner
        })
      )
      yield* FiberSet.awaitEmpty(fibers)
      assert.strictEqual(server.connections(), 0)
    })
  )
})
