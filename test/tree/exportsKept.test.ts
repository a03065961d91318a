/** Exports as those have them who asked for them: listed, served, refused, for a while; and what is left of those that are cut off. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import * as path from "node:path"
import { makeExporter } from "../../src/actors/exporter/exporter.ts"
import { makeTree } from "../../src/actors/tree/tree.ts"
import { BlobError, StoreFull } from "../../src/services/blobs/BlobError.ts"
import { Blobs } from "../../src/services/blobs/Blobs.ts"
import { sweep } from "../../src/services/content/sweep.ts"
import { startInstallation } from "../scenarios/Installation.ts"
import { syntheticPhoto } from "../support/photos.ts"
import { untilSo } from "../support/until.ts"
import { asked, collection, ended, exported, fetched, filesBelow, uploaded } from "./exportsWorld.ts"
import { makeTextConverter, readFile } from "./filesWorld.ts"

const actors = [makeTree(null), makeTextConverter(), makeExporter(null)]
const installation = startInstallation({ actors })

describe("exports of a user", () => {
  it.live("are listed page by page, and are nobody else's", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* installation
        const { client } = site
        const item = yield* uploaded(site, "anna", "x.txt", "x", { viewers: ["ben"] })
        const wanted = { selection: { items: [item] }, format: "csv" }
        const ids: Array<string> = []
        for (let n = 0; n < 5; n++) ids.unshift((yield* exported(site, "anna", wanted)).id)
        const found: Array<string> = []
        let cursor = ""
        do {
          const { body } = yield* client.get(`/exports?user=anna&limit=2${cursor}`)
          found.push(...body.exports.map(({ id }: any) => id))
          cursor = body.next === null ? "" : `&cursor=${body.next}`
        } while (cursor !== "")
        assert.deepStrictEqual(found, ids)
        assert.deepStrictEqual((yield* client.get("/exports?user=ben")).body.exports, [])
        for (const place of [`/exports/${ids[0]}`, `/exports/${ids[0]}/content`]) {
          assert.strictEqual((yield* client.get(`${place}?user=ben`)).status, 404)
          assert.strictEqual((yield* site.stranger.get(`${place}?user=anna`)).status, 401)
          assert.strictEqual((yield* client.get(place)).status, 400)
        }
        assert.strictEqual((yield* client.call("DELETE", `/exports/${ids[0]}?user=ben`)).status, 404)
        assert.strictEqual((yield* client.get("/exports/none?user=anna")).status, 404)
      })
    )
  )

  it.live("are made once for a key, and are served like files are", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* installation
        const { client } = site
        const item = yield* uploaded(site, "anna", "x.txt", "x")
        const wanted = { user: "anna", selection: { items: [item] }, format: "json" }
        const key = { "idempotency-key": "once" }
        const first = yield* client.post("/exports", wanted, key)
        assert.deepStrictEqual((yield* client.post("/exports", wanted, key)).body, first.body)
        const other = yield* client.post("/exports", { ...wanted, format: "csv" }, key)
        assert.deepStrictEqual([other.status, other.body.errors[0].path], [409, ["header", "idempotency-key"]])
        const id = first.body.exportId
        const about = yield* ended(site, "anna", id)
        const place = `/exports/${id}/content?user=anna`
        const whole = yield* readFile(site, place)
        assert.strictEqual(whole.headers.get("etag"), `"${about.sha256}"`)
        assert.match(whole.headers.get("content-disposition")!, /^attachment; filename="export-\d{4}-\d\d-\d\d\.json"/)
        assert.strictEqual(whole.headers.get("content-security-policy"), "sandbox; default-src 'none'")
        const part = yield* readFile(site, place, { range: "bytes=2-6" })
        assert.deepStrictEqual([part.status, part.bytes.toString()], [206, "items"])
        assert.strictEqual((yield* readFile(site, place, { "if-none-match": whole.headers.get("etag")! })).status, 304)
      })
    )
  )

  it.live("that cannot be made are refused, field by field", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client } = yield* startInstallation({ actors, works: false })
        const id = "00000000-0000-4000-8000-000000000000"
        const good = { user: "anna", selection: { items: [id] }, format: "zip" }
        const cases: ReadonlyArray<readonly [object, ReadonlyArray<string | number>]> = [
          [{ ...good, user: undefined }, ["user"]],
          [{ ...good, selection: {} }, ["selection", "items"]],
          [{ ...good, selection: { items: [] } }, ["selection", "items"]],
          [{ ...good, selection: { items: [id, "x"] } }, ["selection", "items", 1]],
          [{ ...good, selection: { items: ["../.."] } }, ["selection", "items", 0]],
          [{ ...good, format: "tar" }, ["format"]],
          [{ ...good, images: { format: "bmp" } }, ["images", "format"]],
          [{ ...good, images: { format: "webp", size: 0 } }, ["images", "size"]],
          [{ ...good, images: { format: "webp", quality: 101 } }, ["images", "quality"]],
          [{ ...good, images: { format: "original", size: 100 } }, ["images", "format"]],
          [{ ...good, format: "csv", images: { format: "webp" } }, ["images"]],
          [{ ...good, colour: "red" }, ["colour"]]
        ]
        for (const [body, place] of cases) {
          const answer = yield* client.post("/exports", body)
          assert.strictEqual(answer.status, 400, JSON.stringify(body))
          assert.deepStrictEqual(answer.body.errors[0].path, place, JSON.stringify(answer.body))
        }
        assert.strictEqual((yield* client.get("/exports?user=anna&cursor=x")).status, 400)
        assert.deepStrictEqual((yield* client.get("/exports?user=anna")).body.exports, [])
      })
    )
  )

  it.live("that are too large fail with the figures, and leave nothing", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* startInstallation({ actors, exports: { items: 2, bytes: 10 } })
        const top = yield* collection(site, "anna", "Top")
        const text = yield* uploaded(site, "anna", "x.txt", "more than ten bytes", { parent: top })
        const run = (selection: object, format: string) =>
          Effect.flatMap(asked(site, "anna", { selection, format }), (id) => ended(site, "anna", id))
        const bytes = yield* run({ items: [text] }, "zip")
        assert.deepStrictEqual([bytes.status, bytes.sha256], ["failed", null])
        assert.match(bytes.reason, /its files have 19 bytes, and at most 10 are allowed/)
        // No file is in a list.
        assert.strictEqual((yield* run({ items: [text] }, "csv")).status, "succeeded")
        yield* uploaded(site, "anna", "y.txt", "y", { parent: top })
        const items = yield* run({ items: [top] }, "csv")
        assert.match(items.reason, /it has 3 items, and at most 2 are allowed/)
        const content = yield* site.client.get(`/exports/${items.id}/content?user=anna`)
        assert.deepStrictEqual([content.status, /3 items/.test(content.body.detail)], [409, true])
        assert.strictEqual((yield* site.client.call("DELETE", `/exports/${items.id}?user=anna`)).status, 202)
        assert.strictEqual((yield* site.client.get(`/exports/${items.id}?user=anna`)).status, 404)
        assert.deepStrictEqual(filesBelow(path.join(site.dataDir, "files", "incoming")), [])
      })
    )
  )
})

const atOnce = { exports: { lifeMs: 1_000 } }

describe("an export that is over", () => {
  it.live("is gone for those who ask when its time has come, and its file with the sweep", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* startInstallation({ actors, ...atOnce })
        const { client } = site
        const item = yield* uploaded(site, "anna", "x.txt", "x")
        const { id, about } = yield* exported(site, "anna", { selection: { items: [item] }, format: "csv" })
        const swept = Effect.provide(sweep({ orphans: false }), site.context)
        assert.strictEqual((yield* swept).exports, 0)
        const get = client.get(`/exports/${id}?user=anna`)
        yield* untilSo(
          "it expires",
          Effect.map(get, ({ body }) => body.status === "expired")
        )
        const gone = yield* client.get(`/exports/${id}/content?user=anna`)
        assert.deepStrictEqual([gone.status, gone.body._tag], [410, "Gone"])
        assert.include(gone.body.detail, about.expiresAt)
        const marked = yield* swept
        assert.deepInclude(marked, { exports: 1, marked: 1 })
        assert.strictEqual((yield* get).body.status, "expired")
      })
    )
  )

  it.live("is kept by no sweep's mistake, and let go of when its requester removes it", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* installation
        const { client } = site
        const item = yield* uploaded(site, "anna", "x.txt", "x")
        const { id, bytes } = yield* exported(site, "anna", { selection: { items: [item] }, format: "csv" })
        const swept = Effect.provide(sweep({ orphans: true }), site.context)
        yield* swept
        yield* swept
        assert.deepStrictEqual(yield* fetched(site, "anna", id), bytes)
        const held = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT 1 FROM blob_hold`)
        assert.lengthOf(yield* Effect.provide(held, site.context), 0)
        const removed = yield* client.call("DELETE", `/exports/${id}?user=anna`)
        assert.deepStrictEqual([removed.status, removed.body.message], [202, "it is removed"])
        for (const place of [`/exports/${id}`, `/exports/${id}/content`])
          assert.strictEqual((yield* client.get(`${place}?user=anna`)).status, 404)
        assert.deepStrictEqual((yield* client.get("/exports?user=anna")).body.exports, [])
        assert.deepInclude(yield* swept, { marked: 1 })
      })
    )
  )

  it.live("that waits for a full disk says so, has cost no attempt, and can be cancelled", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const real = makeExporter(null)
        const full = new BlobError({ reason: new StoreFull({ detail: "no space left" }) })
        const waiting: typeof real = {
          ...real,
          handler: (value, task) =>
            Effect.flatMap(Blobs, (blobs) =>
              Effect.provideService(real.handler(value, task), Blobs, { ...blobs, stage: () => Effect.fail(full) })
            )
        }
        const site = yield* startInstallation({ actors: [makeTree(null), makeTextConverter(), waiting] })
        const { client } = site
        const item = yield* uploaded(site, "anna", "x.txt", "x")
        const id = yield* asked(site, "anna", { selection: { items: [item] }, format: "zip" })
        const get = client.get(`/exports/${id}?user=anna`)
        yield* untilSo(
          "it waits",
          Effect.map(get, ({ body }) => /waits for room/.test(body.reason))
        )
        assert.deepInclude((yield* get).body, { status: "queued", sha256: null })
        assert.strictEqual((yield* client.get(`/tasks/${id}`)).body.attempt, 0)
        const cancelled = yield* client.call("DELETE", `/exports/${id}?user=anna`)
        assert.deepInclude(cancelled.body, { status: "cancelled", message: "it will not be made" })
      })
    )
  )

  it.live(
    "by a cancel in its middle stops at once, leaves nothing, and can be tried again",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const site = yield* installation
          const { client } = site
          const photo = yield* Effect.promise(() => syntheticPhoto({ width: 2_000, height: 1_500, seed: 2 }))
          const top = yield* collection(site, "anna", "Top")
          yield* uploaded(site, "anna", "first.bin", Buffer.alloc(3_000_000, 1), { parent: top })
          for (let n = 0; n < 6; n++) yield* uploaded(site, "anna", `${n}.jpg`, photo, { parent: top })
          const wanted = { selection: { items: [top] }, format: "zip", images: { format: "avif", size: 1_200 } }
          const incoming = path.join(site.dataDir, "files", "incoming")
          const id = yield* asked(site, "anna", wanted)
          const get = client.get(`/exports/${id}?user=anna`)
          yield* untilSo(
            "it is under way",
            Effect.map(get, ({ body }) => body.progress?.items > 1),
            60
          )
          const { body } = yield* get
          assert.deepInclude(body, { status: "in_progress", sha256: null })
          assert.deepInclude(body.progress, { of: 8, ofBytes: 3_000_000 + 6 * photo.length })
          assert.isAbove(filesBelow(incoming).length, 0)
          const began = performance.now()
          const cancelled = yield* client.call("DELETE", `/exports/${id}?user=anna`)
          assert.deepInclude(cancelled.body, { status: "cancelled" })
          assert.isBelow(performance.now() - began, 3_000)
          yield* untilSo(
            "nothing is left",
            Effect.sync(() => filesBelow(incoming).length === 0)
          )
          const rows = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT 1 FROM export`)
          assert.lengthOf(yield* Effect.provide(rows, site.context), 0)
          assert.strictEqual((yield* client.get(`/exports/${id}/content?user=anna`)).status, 409)
          assert.strictEqual((yield* get).body.status, "cancelled")
          assert.strictEqual((yield* client.post(`/tasks/${id}/retry`)).status, 202)
          assert.deepInclude(yield* ended(site, "anna", id), { status: "succeeded", files: 7 })
        })
      ),
    120_000
  )
})
