/** Serves a sandbox Telegram to clients of others: writes its description to the file named, ends with its input. */
import { createHash } from "node:crypto"
import { writeFileSync } from "node:fs"
import { Effect } from "effect"
import sharp from "sharp"
import { defaultAccount } from "../../../src/sandbox/telegram/Accounts.ts"
import { startTelegramServer } from "../../../src/sandbox/telegram/TelegramServer.ts"
import type { WorldPost } from "../../../src/sandbox/telegram/WorldModel.ts"

const draw = (red: number, width: number) =>
  sharp({
    create: {
      width,
      height: 480,
      channels: 3,
      background: { r: red, g: 9, b: 9 },
      noise: { type: "gaussian", mean: 128, sigma: 60 }
    }
  })
    .jpeg()
    .toBuffer()

const picture = await draw(40, 320)
const posted = await draw(200, 1280)
const count = 230
const posts: ReadonlyArray<WorldPost> = Array.from({ length: count }, (_, index): WorldPost => {
  const post = { id: index + 1, date: 1_700_000_000 + index, text: `bold link ${index + 1}` }
  if (index === 0) {
    return {
      ...post,
      entities: [
        { type: "bold", offset: 0, length: 4 },
        { type: "text_url", offset: 5, length: 4, url: "https://t.me/+a__b" }
      ]
    }
  }
  return index === 1 ? { ...post, photo: { bytes: () => posted, width: 1280, height: 480, name: "a.jpg" } } : post
})

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const server = yield* startTelegramServer({
        world: {
          channels: [
            { id: "1001", username: "source_channel", title: "Source", kind: "source", posts },
            { id: "2002", username: "target_channel", title: "Target", kind: "target" }
          ]
        }
      })
      const description = {
        port: server.port,
        pem: server.pem,
        botToken: defaultAccount.botToken,
        username: defaultAccount.username,
        posts: count,
        photoHash: createHash("sha256").update(posted).digest("hex"),
        picture: picture.toString("base64")
      }
      writeFileSync(process.argv[2] ?? "sandbox.json", JSON.stringify(description))
      yield* Effect.callback<void>((resume) => {
        process.stdin.on("end", () => resume(Effect.void)).resume()
      })
      const lines = server.ledger.entries()
      const sent = lines.filter((line) => line.event === "sent")
      const once = new Set(sent.map((line) => `${line.accountId} ${line.randomId}`))
      if (once.size !== sent.length) return yield* Effect.die("a random id was posted twice")
      process.stdout.write(`ok   the ledger has ${sent.length} posts, each random id once\n`)
    })
  )
)
