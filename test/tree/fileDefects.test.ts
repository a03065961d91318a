/** What has gone wrong with files of items in other programs, and must not here. Each test is named after it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { createServer } from "node:http"
import { makeContent } from "../../src/actors/content/content.ts"
import { makeTree } from "../../src/actors/tree/tree.ts"
import { KeptBlobs } from "../../src/services/content/limits.ts"
import { sweep } from "../../src/services/content/sweep.ts"
import * as Actor from "../../src/runtime/Actor.ts"
import { mediaUploaded } from "../../src/topics/mediaUploaded.ts"
import { startInstallation } from "../scenarios/Installation.ts"
import { listening } from "../support/listening.ts"
import { formOf, pngOf, sendForm, taskEnded, untilContent } from "./filesWorld.ts"

const failing = { retry: { attempts: 1 } } as const

describe("files of items", () => {
  it.live("the slowest of ten downloads held up all others", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const port = yield* listening(() =>
          createServer((request, response) => {
            // Its head comes, and then nothing.
            if (request.url === "/slow.txt") response.writeHead(200, { "content-length": "9" }).flushHeaders()
            else response.end("a text")
          })
        )
        const web = `http://127.0.0.1:${port}`
        const { client } = yield* startInstallation<any>({
          actors: [makeTree(null), makeContent(null)],
          allowed: [web]
        })
        const upload = (name: string) =>
          Effect.map(client.post("/items/upload", { user: "anna", url: `${web}/${name}` }), ({ body }) => body.itemId)
        const slow = yield* upload("slow.txt")
        const quick = yield* Effect.forEach([1, 2, 3, 4, 5], (n) => upload(`${n}.txt`))
        for (const item of quick) yield* untilContent(client, "anna", item, "available")
        const { content } = (yield* client.get(`/items/${slow}?user=anna`)).body.item
        assert.strictEqual(content.status, "processing")
      })
    )
  )

  it.live("what an upload had brought that failed stayed for ever", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* startInstallation({ actors: [makeTree(null)] })
        const { client } = site
        const album = (yield* client.post("/items", { user: "anna", type: "collection", name: "A", viewers: ["ben"] }))
          .body
        yield* taskEnded(client, album.taskId)
        const refused = formOf({ user: "ben", parent: album.itemId }, { name: "x.png", bytes: pngOf("x") })
        const { body } = yield* sendForm(site, "POST", "/items/upload", refused)
        assert.strictEqual((yield* taskEnded(client, body.taskId)).status, "failed")
        const soon = Layer.succeed(KeptBlobs, { graceMs: 0, orphanMs: 3_600_000 })
        const swept = Effect.andThen(sweep({ orphans: true }), sweep({ orphans: true })).pipe(
          Effect.provide(soon),
          Effect.provide(site.context)
        )
        assert.deepInclude(yield* swept, { removed: 1, bytes: pngOf("x").length })
      })
    )
  )

  it.live("an item whose pictures could not be made stayed a placeholder, and nobody knew why", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const converter = Actor.make({
          name: "converter",
          topic: mediaUploaded,
          handler: () => Effect.fail({ isRetryable: false, message: "the decoder is gone" }),
          ...failing
        })
        const site = yield* startInstallation({ actors: [makeTree(null), converter] })
        const { body } = yield* sendForm(
          site,
          "POST",
          "/items/upload",
          formOf({ user: "anna" }, { name: "x.png", bytes: pngOf("x") })
        )
        const { content } = yield* untilContent(site.client, "anna", body.itemId, "failed")
        assert.strictEqual(content.reason, "GaveUp")
        assert.match(content.message, /the decoder is gone/)
      })
    )
  )
})
