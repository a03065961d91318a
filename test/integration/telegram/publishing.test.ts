import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { TextEntity } from "../../../src/services/telegram/TextEntity.ts"
import { gateway, jpeg, published, sandbox } from "./sandbox.ts"

const text = "see https://x.y/a__b__c and **this** invite"
const entities: ReadonlyArray<TextEntity> = [
  { type: "bold", offset: 0, length: 3 },
  { type: "text_url", offset: 37, length: 6, url: "https://t.me/+secret__invite" }
]

describe("publishing through the gateway", () => {
  it.live("links with + and __ and stars are published as they are", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const target = yield* telegram.resolve("target_channel")
      const sent = yield* telegram.sendText(target, { randomId: "11", text, entities })
      assert.deepStrictEqual(sent, { messageIds: [1], duplicate: false })
      const [message] = yield* telegram.byIds(target, [1])
      assert.strictEqual(message?.text, text)
      assert.deepStrictEqual(message?.entities, entities)
      const [line] = server.ledger.entries()
      assert.deepInclude(line, {
        event: "sent",
        channelId: "2002",
        messageId: 1,
        randomId: "11",
        accountId: "777000777"
      })
    })
  )

  it.live("a reply points to its post", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const target = yield* telegram.resolve("target_channel")
      yield* telegram.sendText(target, { randomId: "1", text: "head" })
      const { messageIds } = yield* telegram.sendText(target, { randomId: "2", text: "tail", replyTo: 1 })
      assert.strictEqual((yield* telegram.byIds(target, messageIds))[0]?.replyTo, 1)
    })
  )

  it.live("a photo is stored once, posted with its caption and can be posted again", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const target = yield* telegram.resolve("target_channel")
      const bytes = yield* Effect.promise(() => jpeg(800, 600))
      const photo = yield* telegram.uploadPhoto(target, bytes, "photo.jpg")
      yield* telegram.sendPhoto(target, { randomId: "21", photo, caption: "a__b", entities: [] })
      yield* telegram.sendPhoto(target, { randomId: "22", photo })
      const [first, second] = yield* telegram.byIds(target, [1, 2])
      assert.strictEqual(first?.text, "a__b")
      assert.deepStrictEqual([first?.media?.width, first?.media?.height], [800, 600])
      assert.strictEqual(second?.media?.id, first?.media?.id)
      assert.deepStrictEqual(Buffer.from(yield* telegram.download(first!.media!)), bytes)
    })
  )

  it.live("an album is one group of consecutive posts with its own captions", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const target = yield* telegram.resolve("target_channel")
      const photos = yield* Effect.forEach([10, 90, 180], (red) =>
        Effect.flatMap(
          Effect.promise(() => jpeg(64, 48, red)),
          (bytes) => telegram.uploadPhoto(target, bytes, `${red}.jpg`)
        )
      )
      const items = photos.map((photo, index) => ({ randomId: `${31 + index}`, photo, caption: `caption ${index}` }))
      const sent = yield* telegram.sendAlbum(target, items)
      assert.deepStrictEqual(sent, { messageIds: [1, 2, 3], duplicate: false })
      const messages = yield* telegram.byIds(target, sent.messageIds)
      assert.strictEqual(new Set(messages.map((message) => message.groupedId)).size, 1)
      assert.isString(messages[0]?.groupedId)
      assert.deepStrictEqual(
        messages.map((message) => message.text),
        ["caption 0", "caption 1", "caption 2"]
      )
    })
  )

  it.live("an album of one or of eleven is refused before it is sent", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const target = yield* telegram.resolve("target_channel")
      const photo = { id: "1", accessHash: "1", fileReference: "" }
      for (const count of [1, 11]) {
        const items = Array.from({ length: count }, (_, index) => ({ randomId: `${index + 1}`, photo }))
        assert.strictEqual((yield* Effect.flip(telegram.sendAlbum(target, items))).reason._tag, "Rejected")
      }
    })
  )

  for (const mode of ["original", "error"] as const) {
    it.live(`a repeated random id posts nothing and finds the post (server answers: ${mode})`, () =>
      Effect.gen(function* () {
        const server = yield* sandbox({ settings: { onRepeatedRandomId: mode } })
        const telegram = yield* gateway(server)
        const target = yield* telegram.resolve("target_channel")
        const bytes = yield* Effect.promise(() => jpeg())
        const photo = yield* telegram.uploadPhoto(target, bytes, "a.jpg")
        const album = [
          { randomId: "52", photo, caption: "one" },
          { randomId: "53", photo, caption: "" }
        ]
        yield* telegram.sendText(target, { randomId: "51", text: "once " })
        yield* telegram.sendAlbum(target, album)
        yield* telegram.sendText(target, { randomId: "54", text: "after" })
        assert.deepStrictEqual(yield* telegram.sendText(target, { randomId: "51", text: "once " }), {
          messageIds: [1],
          duplicate: true
        })
        assert.deepStrictEqual(yield* telegram.sendAlbum(target, album), { messageIds: [2, 3], duplicate: true })
        assert.strictEqual(published(server).length, 4)
        const events = server.ledger.entries().map((entry) => entry.event)
        assert.deepStrictEqual(events, ["sent", "sent", "sent", "sent", "repeated", "repeated", "repeated"])
      })
    )
  }

  it.live("a bot that may not look for its duplicate still succeeded", () =>
    Effect.gen(function* () {
      const server = yield* sandbox({ settings: { onRepeatedRandomId: "error", botsReadHistory: false } })
      const telegram = yield* gateway(server, { botToken: Redacted.make("777000777:sandbox") })
      const target = yield* telegram.resolve("target_channel")
      yield* telegram.sendText(target, { randomId: "5", text: "hello" })
      assert.deepStrictEqual(yield* telegram.sendText(target, { randomId: "5", text: "hello" }), {
        messageIds: [],
        duplicate: true
      })
    })
  )

  it.live("an edit replaces text and entities, and the same edit again is a success", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const target = yield* telegram.resolve("target_channel")
      yield* telegram.sendText(target, { randomId: "1", text: "draft" })
      yield* telegram.edit(target, 1, { text, entities })
      yield* telegram.edit(target, 1, { text, entities })
      const [message] = yield* telegram.byIds(target, [1])
      assert.deepStrictEqual([message?.text, message?.entities], [text, entities])
    })
  )

  it.live("a deletion removes posts and does not mind those already gone", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const target = yield* telegram.resolve("target_channel")
      yield* telegram.sendText(target, { randomId: "1", text: "a" })
      yield* telegram.sendText(target, { randomId: "2", text: "b" })
      yield* telegram.delete(target, [1, 99])
      assert.deepStrictEqual(published(server), ["b"])
      assert.deepStrictEqual(yield* telegram.byIds(target, [1]), [])
    })
  )

  it.live("a channel of others refuses posts", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const source = yield* telegram.resolve("source_channel")
      const error = yield* Effect.flip(telegram.sendText(source, { randomId: "1", text: "a" }))
      assert.deepStrictEqual([error.reason._tag, error.reason.text], ["TargetForbidden", "CHAT_WRITE_FORBIDDEN"])
    })
  )

  it.live("texts and captions over the limit and entities out of bounds are TooLong, at the limit they pass", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const target = yield* telegram.resolve("target_channel")
      const photo = yield* Effect.flatMap(
        Effect.promise(() => jpeg()),
        (bytes) => telegram.uploadPhoto(target, bytes, "a.jpg")
      )
      const bold = (offset: number, length: number): TextEntity => ({ type: "bold", offset, length })
      yield* telegram.sendText(target, { randomId: "1", text: "x".repeat(4096), entities: [bold(0, 4096)] })
      yield* telegram.sendPhoto(target, { randomId: "2", photo, caption: "x".repeat(1024) })
      const refused = yield* Effect.all([
        Effect.flip(telegram.sendText(target, { randomId: "3", text: "x".repeat(4097) })),
        Effect.flip(telegram.sendPhoto(target, { randomId: "4", photo, caption: "x".repeat(1025) })),
        Effect.flip(telegram.sendText(target, { randomId: "5", text: "abc", entities: [bold(1, 3)] })),
        Effect.flip(
          telegram.sendText(target, {
            randomId: "6",
            text: "abc",
            entities: Array.from({ length: 101 }, () => bold(0, 1))
          })
        )
      ])
      assert.deepStrictEqual(
        refused.map((error) => [error.reason._tag, error.reason.text]),
        [
          ["TooLong", "MESSAGE_TOO_LONG"],
          ["TooLong", "MEDIA_CAPTION_TOO_LONG"],
          ["TooLong", "ENTITY_BOUNDS_INVALID"],
          ["TooLong", "ENTITIES_TOO_LONG"]
        ]
      )
      assert.strictEqual(published(server).length, 2)
    })
  )
})
