/** Postroom's gateway against gotd's test server. Usage: gateway-on-gotd.ts <gotd-server binary>. Exits 1 on a difference. */
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { Effect, Redacted } from "effect"
import * as GramJsGateway from "../../../src/services/telegram/GramJsGateway.ts"
import { TelegramGateway } from "../../../src/services/telegram/TelegramGateway.ts"

const binary = process.argv[2]
if (binary === undefined) throw new Error("name the gotd-server binary")
const child = spawn(binary, { stdio: ["pipe", "pipe", "inherit"] })
const info = await new Promise<{ port: number; n: string; e: number; fingerprint: string }>((resolve) =>
  child.stdout.once("data", (line: Buffer) => resolve(JSON.parse(line.toString())))
)
const ok = (fact: string) => process.stdout.write(`ok   ${fact}\n`)

const program = Effect.gen(function* () {
  const telegram = yield* TelegramGateway
  assert.equal((yield* telegram.me).username, "gotester")
  ok("a key is made with gotd's server and the gateway knows itself")
  assert.deepEqual(yield* telegram.limits, { messageLengthMax: 4096, captionLengthMax: 2048 })
  ok("limits are those of its configuration")
  const peer = yield* telegram.resolve("gotd_channel")
  assert.deepEqual(peer, { channelId: "100", accessHash: "700", title: "gotd", username: "gotd_channel" })
  ok("a channel resolves")
  const text = { text: "жhi 😀 https://x.y/a__b", entities: [{ type: "bold", offset: 0, length: 3 }] } as const
  assert.deepEqual(yield* telegram.sendText(peer, { randomId: "9223372036854775807", ...text }), {
    messageIds: [1],
    duplicate: false
  })
  ok("a text is posted with the largest random id there is")
  const flood = yield* Effect.flip(telegram.sendText(peer, { randomId: "2", text: "x" }))
  assert.equal(flood.waitSeconds, 7)
  ok("FLOOD_WAIT_7 is told as 7 seconds")
  assert.deepEqual(yield* telegram.sendText(peer, { randomId: "9223372036854775807", ...text }), {
    messageIds: [1],
    duplicate: true
  })
  ok("RANDOM_ID_DUPLICATE is a success that finds its message")
  // Whole parts: gotd's test server refuses a shorter last one, which Telegram allows.
  const photo = yield* telegram.uploadPhoto(peer, Buffer.alloc(2 * 512 * 1024, 7), "a.jpg")
  assert.deepEqual(yield* telegram.sendPhoto(peer, { randomId: "3", photo, caption: "photo" }), {
    messageIds: [2],
    duplicate: false
  })
  ok("a photo is uploaded in parts and posted")
  const history = yield* telegram.history(peer, { minId: 0, limit: 100 })
  assert.deepEqual(
    history.map((message) => [message.id, message.text, message.media?.id]),
    [
      [1, text.text, undefined],
      [2, "photo", "4242"]
    ]
  )
  assert.deepEqual(history[0]?.entities, text.entities)
  ok("history reads back what was posted")
  const both = yield* Effect.all([telegram.me, telegram.history(peer, { minId: 1, limit: 10 })], { concurrency: 2 })
  assert.equal(both[1].length, 1)
  ok("concurrent calls are each answered")
  assert.equal((yield* Effect.flip(telegram.delete(peer, [1]))).reason._tag, "Rejected")
  ok("a method gotd's server lacks is refused")
})

try {
  await Effect.runPromise(
    program.pipe(
      Effect.provide(
        GramJsGateway.layer({
          apiId: 1,
          apiHash: Redacted.make("hash"),
          server: { host: "127.0.0.1", port: info.port, dc: 2, publicKey: info }
        })
      )
    )
  )
} catch (error) {
  process.stdout.write(`FAIL ${String(error)}\n`)
  process.exitCode = 1
} finally {
  child.stdin.end()
}
