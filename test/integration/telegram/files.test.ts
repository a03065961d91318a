import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import sharp from "sharp"
import type { WorldPost } from "../../../src/sandbox/telegram/WorldModel.ts"
import { gateway, jpeg, sandbox } from "./sandbox.ts"

const withPhoto = (bytes: () => Uint8Array): ReadonlyArray<WorldPost> => [
  { id: 1, date: 1_700_000_000, text: "", photo: { bytes, width: 64, height: 48, name: "a.jpg" } }
]
const noise = Buffer.alloc(1_300_000, 0).map((_, index) => (index * 7919) % 251)

describe("files on Telegram", () => {
  it.live("a file of several parts is downloaded whole", () =>
    Effect.gen(function* () {
      const server = yield* sandbox({ source: withPhoto(() => noise) })
      const telegram = yield* gateway(server)
      const peer = yield* telegram.resolve("source_channel")
      const [post] = yield* telegram.history(peer, { minId: 0, limit: 1 })
      assert.isTrue(Buffer.from(yield* telegram.download(post!.media!)).equals(noise))
    })
  )

  it.live("a file whose size is a whole number of parts is downloaded whole", () =>
    Effect.gen(function* () {
      const exact = noise.subarray(0, 1024 * 1024)
      const server = yield* sandbox({ source: withPhoto(() => exact) })
      const telegram = yield* gateway(server)
      const peer = yield* telegram.resolve("source_channel")
      const [post] = yield* telegram.history(peer, { minId: 0, limit: 1 })
      assert.strictEqual((yield* telegram.download(post!.media!)).length, exact.length)
    })
  )

  it.live("a file is drawn once, however often it is listed and downloaded", () =>
    Effect.gen(function* () {
      let drawn = 0
      const server = yield* sandbox({ source: withPhoto(() => noise.subarray(0, 1000 + drawn++)) })
      const telegram = yield* gateway(server)
      const peer = yield* telegram.resolve("source_channel")
      const [post] = yield* telegram.history(peer, { minId: 0, limit: 1 })
      yield* telegram.history(peer, { minId: 0, limit: 1 })
      yield* telegram.download(post!.media!)
      assert.strictEqual(drawn, 1)
    })
  )

  it.live("a file in another data centre is fetched from there, with a port of its own", () =>
    Effect.gen(function* () {
      const server = yield* sandbox({ source: withPhoto(() => noise), secondDataCentre: true })
      const telegram = yield* gateway(server)
      const peer = yield* telegram.resolve("source_channel")
      const [post] = yield* telegram.history(peer, { minId: 0, limit: 1 })
      assert.strictEqual(post?.media?.dcId, 4)
      assert.isTrue(Buffer.from(yield* telegram.download(post!.media!)).equals(noise))
      const wrongDc = { ...post!.media!, dcId: 2 }
      assert.isTrue(Buffer.from(yield* telegram.download(wrongDc)).equals(noise))
      const brought = server.calls().filter((call) => call.method === "auth.ImportAuthorization").length
      assert.strictEqual(brought, 1)
    })
  )

  it.live("a data centre that forgets its key is given another, and the account does not notice", () =>
    Effect.gen(function* () {
      const server = yield* sandbox({ source: withPhoto(() => noise), secondDataCentre: true })
      const telegram = yield* gateway(server)
      const peer = yield* telegram.resolve("source_channel")
      const [main] = [...server.accounts.keys.keys()]
      const [post] = yield* telegram.history(peer, { minId: 0, limit: 1 })
      yield* telegram.download(post!.media!)
      for (const id of server.accounts.keys.keys()) if (id !== main) server.accounts.keys.delete(id)
      assert.isTrue(Buffer.from(yield* telegram.download(post!.media!)).equals(noise))
    })
  )

  it.live("a forwarded picture keeps its id, so that it is known without a download", () =>
    Effect.gen(function* () {
      const [original] = withPhoto(() => noise)
      const forward = { channelId: "1001", postId: 1, date: 1_700_000_000 }
      const server = yield* sandbox({ source: [original!, { ...original!, id: 2, forward }, { ...original!, id: 3 }] })
      const telegram = yield* gateway(server)
      const peer = yield* telegram.resolve("source_channel")
      const [first, forwarded, other] = yield* telegram.history(peer, { minId: 0, limit: 3 })
      assert.strictEqual(forwarded?.media?.id, first?.media?.id)
      assert.notStrictEqual(other?.media?.id, first?.media?.id)
    })
  )

  it.live("an expired file reference is told, and the message read again has a new one", () =>
    Effect.gen(function* () {
      const server = yield* sandbox({ source: withPhoto(() => noise) })
      const telegram = yield* gateway(server)
      const peer = yield* telegram.resolve("source_channel")
      const [post] = yield* telegram.byIds(peer, [1])
      server.files.expireReferences()
      const failure = yield* Effect.flip(telegram.download(post!.media!))
      assert.strictEqual(failure.reason._tag, "FileReferenceExpired")
      const [again] = yield* telegram.byIds(peer, [1])
      assert.strictEqual((yield* telegram.download(again!.media!)).length, noise.length)
    })
  )

  it.live("a part lost with its connection is asked for again", () =>
    Effect.gen(function* () {
      const server = yield* sandbox({ source: withPhoto(() => noise) })
      const telegram = yield* gateway(server)
      const peer = yield* telegram.resolve("source_channel")
      const [post] = yield* telegram.byIds(peer, [1])
      server.faults.add({ method: "upload.getFile", skip: 1, dropAfter: true })
      assert.isTrue(Buffer.from(yield* telegram.download(post!.media!)).equals(noise))
    })
  )

  it.live("an upload of several parts survives a lost connection", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const target = yield* telegram.resolve("target_channel")
      const big = yield* Effect.promise(() =>
        sharp(noise.subarray(0, 640 * 640 * 3), { raw: { width: 640, height: 640, channels: 3 } })
          .png({ compressionLevel: 0 })
          .toBuffer()
      )
      assert.isAbove(big.length, 2 * 512 * 1024)
      server.faults.add({ method: "upload.saveFilePart", skip: 1, dropBefore: true })
      const photo = yield* telegram.uploadPhoto(target, big, "big.png")
      yield* telegram.sendPhoto(target, { randomId: "1", photo })
      const [message] = yield* telegram.byIds(target, [1])
      assert.isTrue(Buffer.from(yield* telegram.download(message!.media!)).equals(big))
    })
  )

  it.live("what is no picture, too thin or too large is MediaRejected", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const target = yield* telegram.resolve("target_channel")
      const thin = yield* Effect.promise(() => jpeg(2100, 100))
      for (const [bytes, text] of [
        [Buffer.alloc(5000, 7), "IMAGE_PROCESS_FAILED"],
        [thin, "PHOTO_INVALID_DIMENSIONS"],
        [Buffer.alloc(10 * 1024 * 1024 + 1), "a photo of 10485761 bytes"],
        [Buffer.alloc(0), "a photo of 0 bytes"]
      ] as const) {
        const { reason } = yield* Effect.flip(telegram.uploadPhoto(target, bytes, "a.jpg"))
        assert.deepStrictEqual([reason._tag, reason.text], ["MediaRejected", text])
      }
    })
  )

  it.live("a flood on an upload is told at once", () =>
    Effect.gen(function* () {
      const server = yield* sandbox()
      const telegram = yield* gateway(server)
      const target = yield* telegram.resolve("target_channel")
      server.faults.add({ method: "upload.saveFilePart", error: "FLOOD_WAIT_30" })
      const failure = yield* Effect.flip(telegram.uploadPhoto(target, yield* Effect.promise(() => jpeg()), "a.jpg"))
      assert.strictEqual(failure.waitSeconds, 30)
    })
  )
})
