/** Files of items as they are handed out: to whom, which part of them, and with what a browser is told about them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeTree } from "../../src/actors/tree/tree.ts"
import { startInstallation } from "../scenarios/Installation.ts"
import { formOf, pngOf, readFile, sendForm, taskEnded, untilContent } from "./filesWorld.ts"

const installation = startInstallation({ actors: [makeTree(null)] })

/** Uploads what needs no converter, and answers the item's id. */
const upload = (site: Parameters<typeof sendForm>[0] & { client: any }, name: string, bytes: Buffer, more = {}) =>
  Effect.gen(function* () {
    const { status, body } = yield* sendForm(
      site,
      "POST",
      "/items/upload",
      formOf({ user: "anna", ...more }, { name, bytes })
    )
    assert.strictEqual(status, 202, JSON.stringify(body))
    yield* taskEnded(site.client, body.taskId)
    return body.itemId as string
  })

describe("a file of an item", () => {
  it.live("is handed out whole, in part, or not again, by its ETag", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* installation
        const text = Buffer.from("0123456789")
        const place = `/items/${yield* upload(site, "x.txt", text)}/content?user=anna`
        const whole = yield* readFile(site, place)
        const etag = whole.headers.get("etag")!
        assert.deepStrictEqual(whole.bytes, text)
        assert.match(etag, /^"[0-9a-f]{64}"$/)
        assert.strictEqual(whole.headers.get("accept-ranges"), "bytes")
        assert.strictEqual(whole.headers.get("content-length"), "10")

        const head = yield* readFile(site, place, {}, "HEAD")
        assert.deepStrictEqual([head.status, head.bytes.length], [200, 0])
        for (const name of ["etag", "content-length", "content-type", "content-disposition"])
          assert.strictEqual(head.headers.get(name), whole.headers.get(name), name)

        const part = yield* readFile(site, place, { range: "bytes=2-4" })
        assert.deepStrictEqual([part.status, part.bytes.toString()], [206, "234"])
        assert.strictEqual(part.headers.get("content-range"), "bytes 2-4/10")
        const beyond = yield* readFile(site, place, { range: "bytes=10-" })
        assert.deepStrictEqual([beyond.status, beyond.headers.get("content-range")], [416, "bytes */10"])
        const same = yield* readFile(site, place, { range: "bytes=0-1", "if-range": etag })
        assert.strictEqual(same.status, 206)
        const other = yield* readFile(site, place, { range: "bytes=0-1", "if-range": '"other"' })
        assert.deepStrictEqual([other.status, other.bytes.length], [200, 10])

        for (const condition of [etag, `"other", W/${etag}`, "*"]) {
          const known = yield* readFile(site, place, { "if-none-match": condition })
          assert.deepStrictEqual(
            [known.status, known.bytes.length, known.headers.get("etag")],
            [304, 0, etag],
            condition
          )
        }
        assert.strictEqual((yield* readFile(site, place, { "if-none-match": '"other"' })).status, 200)
      })
    )
  )

  it.live("that could run in a browser is only handed out as a file, and may do nothing there", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* installation
        const page = yield* upload(site, "é.png", Buffer.from("<html><script>alert(1)</script></html>"))
        const { headers } = yield* readFile(site, `/items/${page}/content?user=anna`)
        assert.strictEqual(
          headers.get("content-disposition"),
          `attachment; filename="_.png"; filename*=UTF-8''%C3%A9.png`
        )
        assert.strictEqual(headers.get("content-security-policy"), "sandbox; default-src 'none'")
        assert.strictEqual(headers.get("x-content-type-options"), "nosniff")
        assert.match(headers.get("content-type")!, /^text\/html/)
        assert.strictEqual(headers.get("cache-control"), "private, no-cache")
        const picture = yield* upload(site, "x.png", pngOf("x"))
        const shown = yield* readFile(site, `/items/${picture}/content?user=anna`)
        assert.match(shown.headers.get("content-disposition")!, /^inline;/)
        assert.strictEqual(shown.headers.get("content-security-policy"), "sandbox; default-src 'none'")
      })
    )
  )

  it.live("is there for those who see the item, and for all others as if it were not", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* installation
        const { client } = site
        const item = yield* upload(site, "x.txt", Buffer.from("text"), { viewers: ["ben"] })
        const statusFor = (reader: string) =>
          Effect.map(readFile(site, `/items/${item}/content${reader}`), ({ status }) => status)
        assert.strictEqual(yield* statusFor("?user=ben"), 200)
        assert.strictEqual(yield* statusFor("?user=eve"), 404)
        assert.strictEqual(yield* statusFor(""), 404)
        assert.strictEqual(yield* statusFor("?user=eve&admin=true"), 200)
        const deleted = yield* client.call("DELETE", `/items/${item}?user=anna`)
        yield* taskEnded(client, deleted.body.taskId)
        assert.strictEqual(yield* statusFor("?user=ben"), 404)
        assert.strictEqual(yield* statusFor("?user=anna"), 200)
        const gone = yield* client.post(`/items/${item}/purge`, { user: "anna" })
        yield* taskEnded(client, gone.body.taskId)
        assert.strictEqual(yield* statusFor("?user=anna"), 404)
        assert.strictEqual(
          (yield* readFile({ ...site, token: "none" }, `/items/${item}/content?user=anna`)).status,
          401
        )
      })
    )
  )

  it.live("is shared by copies, which those who see the new place see, with what the copier saw and no more", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* installation
        const { client } = site
        const make = (user: string, name: string, more: object) =>
          Effect.map(
            client.post("/items", { user, type: "collection", name, ...more }),
            ({ body }) => body.itemId as string
          )
        const album = yield* make("anna", "Album", { viewers: ["ben"] })
        const open = yield* upload(site, "open.txt", Buffer.from("open"), { parent: album })
        yield* upload(site, "secret.txt", Buffer.from("secret"), { parent: album, viewers: ["chris"] })
        const desk = yield* make("ben", "Desk", { viewers: ["dora"] })
        const { body } = yield* client.post(`/items/${album}/copy`, { user: "ben", parent: desk })
        yield* taskEnded(client, body.taskId)
        const copies = (yield* client.get(`/items?user=dora&parent=${body.itemId}`)).body.items
        assert.deepStrictEqual(
          copies.map(({ name, owner }: any) => [name, owner]),
          [["open.txt", "ben"]]
        )
        const original = yield* readFile(site, `/items/${open}/content?user=anna`)
        const copy = yield* readFile(site, `/items/${copies[0].id}/content?user=dora`)
        assert.deepStrictEqual([copy.bytes, copy.headers.get("etag")], [original.bytes, original.headers.get("etag")])
        const stranger = yield* client.post(`/items/${album}/copy`, { user: "eve", parent: null })
        assert.strictEqual(stranger.status, 404)

        const other = yield* upload(site, "other.txt", Buffer.from("other"))
        const had = yield* client.post(`/items/${other}/content/copy`, { user: "anna", from: open })
        yield* taskEnded(client, had.body.taskId)
        const { content } = yield* untilContent(client, "anna", other, "available")
        assert.deepInclude(content, { gen: 2, size: 4 })
      })
    )
  )
})
