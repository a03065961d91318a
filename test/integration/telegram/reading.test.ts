import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { WorldPost } from "../../../src/sandbox/telegram/WorldModel.ts"
import { gateway, jpeg, posts, sandbox } from "./sandbox.ts"

const rich = (picture: Uint8Array): ReadonlyArray<WorldPost> => [
  { id: 1, date: 1_700_000_000, text: "", service: true },
  {
    id: 2,
    date: 1_700_000_010,
    text: "bold link 🙂 end",
    entities: [
      { type: "bold", offset: 0, length: 4 },
      { type: "text_url", offset: 5, length: 4, url: "https://t.me/+a__b" },
      { type: "italic", offset: 13, length: 3 }
    ],
    editDate: 1_700_000_020,
    forward: { channelId: "3003", postId: 77, date: 1_600_000_000 },
    noForwards: true
  },
  {
    id: 5,
    date: 1_700_000_030,
    text: "first of album",
    groupedId: "4611686018427387000",
    photo: { bytes: () => picture, width: 64, height: 48, name: "a.jpg" }
  },
  {
    id: 6,
    date: 1_700_000_030,
    text: "",
    groupedId: "4611686018427387000",
    video: { bytes: () => picture, width: 320, height: 240, durationSeconds: 2.5, name: "b.mp4" }
  }
]

describe("reading a channel through the gateway", () => {
  it.live("a bot token signs in with a new key and knows itself", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server, { botToken: Redacted.make("777000777:sandbox") })
      const me = yield* telegram.me
      assert.deepStrictEqual(me, { id: "777000777", username: "postroom_bot", firstName: "Postroom", bot: true })
      assert.strictEqual(server.accounts.keys.size, 1)
    })
  )

  it.live("length limits are the server's", () =>
    Effect.gen(function* () {
      const server = yield* sandbox({ settings: { captionLengthMax: 2048 } })
      const telegram = yield* gateway(server)
      assert.deepStrictEqual(yield* telegram.limits, { messageLengthMax: 4096, captionLengthMax: 2048 })
    })
  )

  it.live("length limits have defaults when the server cannot be asked", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const session = Redacted.make(server.mintSession())
      server.accounts.keys.clear()
      const telegram = yield* gateway(server, { session })
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

  it.live("a limit gives the oldest of the new posts, so that nothing between is lost", () =>
    Effect.gen(function* () {
      const server = yield* sandbox({ source: posts(270).filter((post) => post.id % 3 !== 0) })
      const telegram = yield* gateway(server)
      const peer = yield* telegram.resolve("source_channel")
      const first = yield* telegram.history(peer, { minId: 0, limit: 130 })
      const rest = yield* telegram.history(peer, { minId: first.at(-1)?.id ?? 0, limit: 130 })
      assert.deepStrictEqual(
        [...first, ...rest].map((message) => message.id),
        posts(270)
          .map((post) => post.id)
          .filter((id) => id % 3 !== 0)
      )
      assert.strictEqual(first.length, 130)
    })
  )

  it.live("no new posts is an empty answer", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const peer = yield* telegram.resolve("source_channel")
      assert.deepStrictEqual(yield* telegram.history(peer, { minId: 3, limit: 100 }), [])
    })
  )

  it.live("formatting, forwards, edits, media and service messages arrive as plain data that survives JSON", () =>
    Effect.gen(function* () {
      const picture = yield* Effect.promise(() => jpeg())
      const server = yield* sandbox({ source: rich(picture) })
      const telegram = yield* gateway(server)
      const peer = yield* telegram.resolve("source_channel")
      const [service, text, photo, video] = yield* telegram.history(peer, { minId: 0, limit: 10 })
      assert.deepStrictEqual(service, { id: 1, date: 1_700_000_000, text: "", entities: [], service: true })
      const { entities, editDate, forward, noForwards } = rich(picture)[1]!
      assert.deepStrictEqual(text, {
        id: 2,
        date: 1_700_000_010,
        text: "bold link 🙂 end",
        entities: entities!,
        editDate: editDate!,
        forward: { channelId: forward!.channelId, messageId: forward!.postId, date: forward!.date },
        noForwards: noForwards!
      })
      assert.strictEqual(photo?.groupedId, "4611686018427387000")
      assert.strictEqual(video?.groupedId, photo?.groupedId)
      assert.strictEqual(photo?.media?.kind, "photo")
      assert.strictEqual(photo?.media?.size, picture.length)
      assert.deepStrictEqual([video?.media?.kind, video?.media?.width, video?.media?.mime], ["video", 320, "video/mp4"])
      assert.deepStrictEqual(JSON.parse(JSON.stringify([text, photo, video])), [text, photo, video])
    })
  )

  it.live("an album whose posts straddle two reads keeps one group id", () =>
    Effect.gen(function* () {
      const picture = yield* Effect.promise(() => jpeg())
      const server = yield* sandbox({ source: rich(picture) })
      const telegram = yield* gateway(server)
      const peer = yield* telegram.resolve("source_channel")
      const [, , first] = yield* telegram.history(peer, { minId: 0, limit: 3 })
      const later = server.world.addPost("source_channel", { text: "late", groupedId: "4611686018427387000" })
      const rest = yield* telegram.history(peer, { minId: first?.id ?? 0, limit: 100 })
      assert.deepStrictEqual(
        rest.map((message) => [message.id, message.groupedId]),
        [
          [6, first?.groupedId],
          [later.id, first?.groupedId]
        ]
      )
    })
  )

  it.live("posts are found by id in ascending order and gone ids are left out", () =>
    Effect.gen(function* () {
      const server = yield* sandbox({ source: posts(150) })
      server.world.remove("source_channel", [7])
      const telegram = yield* gateway(server)
      const peer = yield* telegram.resolve("source_channel")
      const ids = Array.from({ length: 150 }, (_, index) => 150 - index)
      const found = yield* telegram.byIds(peer, [...ids, 9999])
      assert.deepStrictEqual(
        found.map((message) => message.id),
        ids.filter((id) => id !== 7).sort((a, b) => a - b)
      )
    })
  )

  it.live("an edit shows in the next read", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const peer = yield* telegram.resolve("source_channel")
      server.world.edit("source_channel", 2, { text: "second thoughts" })
      const [post] = yield* telegram.byIds(peer, [2])
      assert.strictEqual(post?.text, "second thoughts")
      assert.isNumber(post?.editDate)
    })
  )

  it.live("a stored peer is read in a later life without resolving its name again", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const session = Redacted.make(server.mintSession())
      const peer = yield* Effect.scoped(
        Effect.flatMap(gateway(server, { session }), (telegram) => telegram.resolve("source_channel"))
      )
      const telegram = yield* gateway(server, { session })
      assert.strictEqual((yield* telegram.history(peer, { minId: 0, limit: 10 })).length, 3)
      assert.strictEqual(server.calls().filter((call) => call.method === "contacts.ResolveUsername").length, 1)
    })
  )

  it.live("an access hash is worthless to another account", () =>
    Effect.gen(function* () {
      const server = yield* sandbox({
        world: {
          channels: [{ id: "1001", username: "source_channel", title: "Source", kind: "source", posts: posts(3) }],
          accounts: [
            { id: "1", username: "first_account", firstName: "One" },
            { id: "2", username: "second_account", firstName: "Two" }
          ]
        }
      })
      const one = yield* gateway(server, { session: Redacted.make(server.mintSession("1")) })
      const two = yield* gateway(server, { session: Redacted.make(server.mintSession("2")) })
      const peer = yield* one.resolve("source_channel")
      const error = yield* Effect.flip(two.history(peer, { minId: 0, limit: 10 }))
      assert.isTrue(error.reason._tag === "SourceGone" && error.reason.resolveAgain)
    })
  )

  it.live("a name nobody has and a name that is no name end the source", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      for (const [name, text] of [
        ["nobody_here", "USERNAME_NOT_OCCUPIED"],
        ["no!", "USERNAME_INVALID"]
      ] as const) {
        const error = yield* Effect.flip(telegram.resolve(name))
        assert.deepStrictEqual([error.reason._tag, error.reason.text], ["SourceGone", text])
      }
    })
  )
})
