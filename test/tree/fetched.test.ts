/** Files that are fetched from an address somebody gave: what comes of them, and what cannot be reached that way. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createServer } from "node:http"
import type { RequestListener } from "node:http"
import { makeContent } from "../../src/actors/content/content.ts"
import { makeTree } from "../../src/actors/tree/tree.ts"
import { impatient, startInstallation } from "../scenarios/Installation.ts"
import { listening } from "../support/listening.ts"
import { makeTextConverter, pngOf, readFile, taskEnded, untilContent } from "./filesWorld.ts"

const webServer = (listener: RequestListener) =>
  Effect.map(
    listening(() => createServer(listener)),
    (port) => `http://127.0.0.1:${port}`
  )

const withWeb = (listener: RequestListener) =>
  Effect.gen(function* () {
    const web = yield* webServer(listener)
    const actors = [makeTree(null), makeTextConverter(), impatient(makeContent(null))]
    return { web, ...(yield* startInstallation<any>({ actors, allowed: [web], largest: 100_000 })) }
  })

describe("a file from the web", () => {
  it.live("becomes the content of an item that was there at once", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const bytes = pngOf("from afar")
        const site = yield* withWeb((_, response) =>
          response.writeHead(200, { "content-type": "text/html" }).end(bytes)
        )
        const { client, web } = site
        const { status, body } = yield* client.post("/items/upload", { user: "anna", url: `${web}/a%20b.png?x=1` })
        assert.strictEqual(status, 202, JSON.stringify(body))
        const { name, content } = yield* untilContent(client, "anna", body.itemId, "available")
        assert.strictEqual(name, "a b.png")
        assert.deepInclude(content, { gen: 1, type: "image/png", size: bytes.length })
        assert.deepStrictEqual((yield* readFile(site, `/items/${body.itemId}/content?user=anna`)).bytes, bytes)
      })
    )
  )

  it.live("that is not to be had fails the content with the reason, and what was there before stays", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* withWeb((request, response) => {
          if (request.url === "/there.txt") return response.end("a text")
          if (request.url === "/large.png") return response.end(Buffer.alloc(200_000))
          if (request.url === "/inside") return response.writeHead(302, { location: "http://169.254.169.254/" }).end()
          return response.writeHead(404).end()
        })
        const { client, web } = site
        const first = yield* client.post("/items/upload", { user: "anna", url: `${web}/there.txt` })
        const item = first.body.itemId
        yield* untilContent(client, "anna", item, "available")
        for (const [gen, [url, reason]] of [
          [`${web}/gone.png`, "Refused"],
          [`${web}/large.png`, "TooLarge"],
          [`${web}/inside`, "ForbiddenTarget"],
          ["http://127.0.0.1:9/", "ForbiddenTarget"],
          ["http://localhost/", "ForbiddenTarget"],
          ["http://[::1]/", "ForbiddenTarget"],
          ["http://user:secret@example.org/", "InvalidUrl"]
        ].entries()) {
          const put = yield* client.call("PUT", `/items/${item}/content`, { body: { user: "anna", url } })
          assert.strictEqual(put.status, 202, JSON.stringify(put.body))
          yield* taskEnded(client, put.body.taskId)
          const { content } = yield* untilContent(client, "anna", item, "failed")
          assert.deepInclude(content, { gen: gen + 2, reason }, url)
          assert.strictEqual((yield* readFile(site, `/items/${item}/content?user=anna`)).bytes.toString(), "a text")
        }
        const bad = yield* client.post("/items/upload", { user: "anna", url: "file:///etc/passwd" })
        assert.deepStrictEqual([bad.status, bad.body.errors[0].path], [400, ["url"]])
      })
    )
  )

  it.live("is tried again while its server has a bad time", () =>
    Effect.scoped(
      Effect.gen(function* () {
        let asked = 0
        const { client, web } = yield* withWeb((_, response) => {
          asked++
          if (asked === 1) return response.writeHead(503).end()
          if (asked === 2) {
            response.writeHead(200, { "content-length": "6" }).write("a t")
            return void response.socket!.destroySoon()
          }
          return response.end("a text")
        })
        const { body } = yield* client.post("/items/upload", { user: "anna", url: `${web}/x.txt` })
        const { content } = yield* untilContent(client, "anna", body.itemId, "available")
        assert.deepStrictEqual([content.size, asked], [6, 3])
      })
    )
  )

  it.live("that was refused is a failed task, and is there after all when that is tried again", () =>
    Effect.scoped(
      Effect.gen(function* () {
        let isGone = true
        const { client, web } = yield* withWeb((_, response) =>
          isGone ? response.writeHead(404).end() : response.end("a text")
        )
        const { body } = yield* client.post("/items/upload", { user: "anna", url: `${web}/x.txt` })
        const refused = yield* untilContent(client, "anna", body.itemId, "failed")
        assert.deepInclude(refused.content, { reason: "Refused", sha256: null })
        const { tasks } = (yield* client.get(`/tasks?queue=content&status=failed`)).body
        isGone = false
        yield* client.post(`/tasks/${tasks[0].id}/retry`)
        const { content } = yield* untilContent(client, "anna", body.itemId, "available")
        assert.deepStrictEqual([content.size, content.reason ?? null], [6, null])
      })
    )
  )

  it.live(
    "that was given up did not stay a placeholder: the item says so, and goes on when the task is tried again",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          let isDown = true
          const { client, web } = yield* withWeb((_, response) =>
            isDown ? response.writeHead(503).end() : response.end("a text")
          )
          const { body } = yield* client.post("/items/upload", { user: "anna", url: `${web}/x.txt` })
          const { content } = yield* untilContent(client, "anna", body.itemId, "failed")
          assert.deepInclude(content, { reason: "GaveUp", sha256: null })
          assert.match(content.message, /503/)
          const { tasks } = (yield* client.get(`/tasks?queue=content&status=failed`)).body
          isDown = false
          yield* client.post(`/tasks/${tasks[0].id}/retry`)
          yield* untilContent(client, "anna", body.itemId, "available")
          yield* taskEnded(client, tasks[0].id)
        })
      )
  )
})
