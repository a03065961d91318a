import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import sharp from "sharp"
import { startTelegramServer } from "../../src/sandbox/telegram/TelegramServer.ts"
import { makeDemoWorld } from "../../src/sandbox/world/DemoWorld.ts"
import { drawSmallVideo } from "../../src/sandbox/world/smallVideo.ts"
import * as GramJsGateway from "../../src/services/telegram/GramJsGateway.ts"
import { TelegramGateway } from "../../src/services/telegram/TelegramGateway.ts"

const world = makeDemoWorld(1_795_250_000)

/** The gateway, signed in to a sandbox Telegram that holds the demo world. */
const telegram = Layer.unwrap(
  Effect.map(startTelegramServer({ world: world.model }), (server) =>
    GramJsGateway.layer({
      apiId: 1,
      apiHash: Redacted.make("hash"),
      session: Redacted.make(server.mintSession()),
      server: { host: "127.0.0.1", port: server.port, dc: server.dc, publicKey: server.publicKey }
    })
  )
)

describe("the demo world on the sandbox Telegram", () => {
  it.live("every channel is read as it was written: ids, dates, texts, entities, albums, forwards", () =>
    Effect.gen(function* () {
      const gateway = yield* TelegramGateway
      for (const { username, posts = [] } of world.model.channels) {
        const peer = yield* gateway.resolve(username)
        const messages = (yield* gateway.history(peer, { minId: 0, limit: 100 })).filter(
          ({ service }) => service !== true
        )
        const written = posts.filter(({ service }) => service !== true)
        assert.deepStrictEqual(
          messages.map(({ id, date, text, entities, editDate }) => ({ id, date, text, entities, editDate })),
          written.map(({ id, date, text, entities = [], editDate }) => ({ id, date, text, entities, editDate })),
          username
        )
        const albums = (list: ReadonlyArray<{ readonly groupedId?: string; readonly id: number }>) =>
          [...Map.groupBy(list, ({ groupedId }) => groupedId ?? "none").values()].map((group) =>
            group.map(({ id }) => id)
          )
        assert.deepStrictEqual(albums(messages), albums(written), username)
        assert.deepStrictEqual(
          messages.map(({ media, forward }) => [media?.kind, forward?.messageId]),
          written.map(({ photo, video, forward }) => [photo ? "photo" : video ? "video" : undefined, forward?.postId]),
          username
        )
      }
    }).pipe(Effect.provide(telegram))
  )

  it.live("a photo downloads as the JPEG that was drawn, and a forward carries the same file", () =>
    Effect.gen(function* () {
      const gateway = yield* TelegramGateway
      const first = (username: string, key: string) =>
        Effect.gen(function* () {
          const placed = world.posts.find(({ post }) => post.key === key)
          const peer = yield* gateway.resolve(username)
          const [message] = yield* gateway.byIds(peer, placed?.messageIds.slice(0, 1) ?? [])
          return { media: message?.media, drawn: placed?.pictures[0] }
        })
      const tram = yield* first("zarechinsk_city", "city-tram")
      const forwarded = yield* first("zarechye_digest", "digest-tram")
      assert.strictEqual(forwarded.media?.id, tram.media?.id)
      if (tram.media === undefined || tram.drawn === undefined) return assert.fail("no photo")
      const bytes = yield* gateway.download(tram.media)
      assert.deepStrictEqual(new Uint8Array(bytes), yield* Effect.promise(async () => tram.drawn?.bytes()))
      const { format, width, height } = yield* Effect.promise(() => sharp(bytes).metadata())
      assert.deepStrictEqual(
        { format, width, height },
        { format: "jpeg", width: tram.drawn.width, height: tram.drawn.height }
      )
    }).pipe(Effect.provide(telegram))
  )

  it("the video is the same MP4 every time, its boxes add up and its samples lie inside", () => {
    const settings = { width: 64, height: 48, frames: 3, framesPerSecond: 3, seed: "v" }
    const bytes = Buffer.from(drawSmallVideo(settings))
    assert.deepStrictEqual(bytes, Buffer.from(drawSmallVideo(settings)))
    const boxes: Array<readonly [string, number, number]> = []
    for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at))
      boxes.push([bytes.toString("latin1", at + 4, at + 8), at, bytes.readUInt32BE(at)])
    assert.deepStrictEqual(
      boxes.map(([name]) => name),
      ["ftyp", "moov", "mdat"]
    )
    assert.strictEqual(
      boxes.reduce((sum, [, , size]) => sum + size, 0),
      bytes.length
    )
    const offset = bytes.readUInt32BE(bytes.indexOf("stco") + 12)
    assert.strictEqual(offset, (boxes[2]?.[1] ?? 0) + 8)
    // Each sample is one NAL unit behind its length: an IDR slice (type 5).
    assert.strictEqual(bytes[offset + 4], 0x65)
  })
})
