import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { gateway, posts, sandbox } from "./sandbox.ts"

describe("reading a channel through the gateway", () => {
  it.live("a bot token signs in with a new key and knows itself", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server, { botToken: Redacted.make("777000777:sandbox") })
      const me = yield* telegram.me
      assert.deepStrictEqual(me, { id: "777000777", username: "postroom_bot", firstName: "Postroom", bot: true })
      assert.deepStrictEqual(yield* telegram.limits, { messageLengthMax: 4096, captionLengthMax: 1024 })
    })
  )

  it.live("250 new posts are read completely and in order", () =>
    Effect.gen(function* () {
      const server = yield* sandbox({ source: posts(270) })
      const telegram = yield* gateway(server)
      const peer = yield* telegram.resolve("@source_channel")
      const read = yield* telegram.history(peer, { minId: 20, limit: 1000 })
      assert.deepStrictEqual(
        read.map((message) => message.id),
        Array.from({ length: 250 }, (_, index) => index + 21)
      )
      assert.strictEqual(read[0]?.text, "post 21")
    })
  )
})
