/** Files of items over HTTP, on the whole product: how they come in, what is kept of them, and what is left of bad ones. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as net from "node:net"
import * as path from "node:path"
import { makeTree } from "../../src/actors/tree/tree.ts"
import { startInstallation } from "../scenarios/Installation.ts"
import { formOf, makeTextConverter, pngOf, readFile, sendForm, taskEnded, untilContent } from "./filesWorld.ts"

const hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

const installation = startInstallation({ actors: [makeTree(null), makeTextConverter()] })

/** The files of an installation, kept and incoming. */
const filesOf = (dataDir: string) =>
  fs
    .readdirSync(path.join(dataDir, "files"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)

const until = (isIt: () => boolean) =>
  Effect.repeat(Effect.delay(Effect.sync(isIt), "5 millis"), { until: (yes) => yes })

const rowsOf = (table: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(sql.unsafe<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`), ([row]) => row!.n)
  )

describe("an upload", () => {
  it.live("is an item at once and has its pictures when the converter has made them", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* installation
        const { client } = site
        const bytes = pngOf("a summer's day")
        const album = (yield* client.post("/items", { user: "anna", type: "collection", name: "Album" })).body.itemId
        const form = formOf(
          { user: "anna", parent: album, tags: ["sea", "summer"], viewers: ["ben"] },
          { name: "a day.html", bytes }
        )
        const { status, body } = yield* sendForm(site, "POST", "/items/upload", form)
        assert.strictEqual(status, 202, JSON.stringify(body))
        const item = yield* untilContent(client, "anna", body.itemId, "available")
        assert.deepInclude(item, { name: "a day.html", type: "item", parent: album, tags: ["sea", "summer"] })
        assert.deepStrictEqual(item.viewers, ["ben"])
        assert.deepStrictEqual(item.content, {
          gen: 1,
          status: "available",
          reason: null,
          message: null,
          sha256: hashOf(bytes),
          size: bytes.length,
          // By its bytes: its name and its sender say HTML.
          type: "image/png",
          width: 40,
          height: 30,
          thumbhash: "AAAA",
          degraded: null,
          exif: { make: "a camera" }
        })
        assert.deepStrictEqual((yield* readFile(site, `/items/${item.id}/content?user=anna`)).bytes, bytes)
        const preview = yield* readFile(site, `/items/${item.id}/preview?user=ben`)
        assert.strictEqual(preview.bytes.toString(), `preview of ${hashOf(bytes)}`)
        assert.strictEqual(preview.headers.get("content-type"), "image/jpeg")
        const thumbnail = yield* readFile(site, `/items/${item.id}/thumbnail?user=ben`)
        assert.strictEqual(thumbnail.bytes.toString(), `thumbnail of ${hashOf(bytes)}`)
      })
    )
  )

  it.live("that is no picture is available without any", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* installation
        const form = formOf({ user: "anna", name: "Letter" }, { name: "letter.txt", bytes: Buffer.from("Dear Ben,") })
        const { body } = yield* sendForm(site, "POST", "/items/upload", form)
        const { name, content } = yield* untilContent(site.client, "anna", body.itemId, "available")
        assert.strictEqual(name, "Letter")
        assert.deepInclude(content, { type: "text/plain", width: null, thumbhash: null })
        assert.strictEqual((yield* readFile(site, `/items/${body.itemId}/preview?user=anna`)).status, 404)
      })
    )
  )

  it.live("is the same upload when it is sent again under its key, and another one is refused", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* installation
        const send = (text: string) =>
          sendForm(
            site,
            "POST",
            "/items/upload",
            formOf({ user: "anna" }, { name: "x.txt", bytes: Buffer.from(text) }),
            { "idempotency-key": "once" }
          )
        const first = yield* send("a text")
        const again = yield* send("a text")
        assert.deepStrictEqual([again.status, again.body], [202, first.body])
        assert.deepInclude(yield* send("another text"), { status: 409 })
        yield* untilContent(site.client, "anna", first.body.itemId, "available")
        assert.lengthOf((yield* site.client.get("/items?user=anna")).body.items, 1)
      })
    )
  )

  it.live("another file is another generation; what is said late of the one before changes nothing", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* installation
        const { client } = site
        const { body } = yield* sendForm(
          site,
          "POST",
          "/items/upload",
          formOf({ user: "anna" }, { name: "x.png", bytes: pngOf("first") })
        )
        const before = yield* untilContent(client, "anna", body.itemId, "available")
        const second = Buffer.from("second")
        const place = `/items/${body.itemId}/content`
        const put = yield* sendForm(site, "PUT", place, formOf({ user: "anna" }, { name: "y.txt", bytes: second }))
        assert.strictEqual(put.status, 202, JSON.stringify(put.body))
        yield* taskEnded(client, put.body.taskId)
        const late = {
          kind: "attach",
          item: body.itemId,
          gen: 1,
          sha256: before.content.sha256,
          attachment: { kind: "failed", reason: "Corrupt", message: "late" }
        }
        const event = yield* client.post("/events", {
          type: "tree.command",
          user: "anna",
          data: { by: "anna", admin: false, command: late }
        })
        yield* taskEnded(client, event.body.taskId)
        const { content } = (yield* client.get(`/items/${body.itemId}?user=anna`)).body.item
        assert.deepInclude(content, { gen: 2, status: "available", sha256: hashOf(second), thumbhash: null })
        assert.strictEqual((yield* readFile(site, `/items/${body.itemId}/thumbnail?user=anna`)).status, 404)
      })
    )
  )

  it.live("that is cut off leaves nothing: no file, no row, no item", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* installation
        const { port } = new URL(site.base)
        const head = `POST /api/v1/items/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${site.token}\r\nContent-Type: multipart/form-data; boundary=cut\r\nContent-Length: 10000000\r\n\r\n`
        const part = `--cut\r\nContent-Disposition: form-data; name="user"\r\n\r\nanna\r\n--cut\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n`
        const socket = net.connect(Number(port), "127.0.0.1")
        socket.on("error", () => undefined)
        socket.write(head + part + "x".repeat(500_000))
        yield* until(() => filesOf(site.dataDir).length > 0)
        socket.destroy()
        yield* until(() => filesOf(site.dataDir).length === 0)
        const rows = Effect.all([rowsOf("blob"), rowsOf("blob_hold"), rowsOf("event")])
        assert.deepStrictEqual(yield* Effect.provide(rows, site.context), [0, 0, 0])
      })
    )
  )

  it.live("that is too large is refused, whether it says so or not, and leaves nothing", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* startInstallation({ actors: [makeTree(null)], works: false, largest: 100_000 })
        const { port } = new URL(site.base)
        // A client that waits for the answer before it has sent everything, as curl does.
        const refused = (length: string) =>
          Effect.promise(
            () =>
              new Promise<string>((resolve) => {
                const socket = net.connect(Number(port), "127.0.0.1")
                let answer = ""
                socket.on("data", (chunk) => (answer += String(chunk)))
                socket.on("close", () => resolve(answer))
                socket.on("error", () => undefined)
                const body = `--cut\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n${"x".repeat(150_000)}`
                const chunked = `${body.length.toString(16)}\r\n${body}\r\n`
                socket.write(
                  `POST /api/v1/items/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${site.token}\r\nContent-Type: multipart/form-data; boundary=cut\r\n${length}\r\n\r\n`
                )
                socket.write(length.startsWith("Transfer") ? chunked : body)
              })
          )
        for (const length of ["Content-Length: 3000000000", "Transfer-Encoding: chunked"]) {
          const answer = yield* refused(length)
          assert.match(answer, /^HTTP\/1\.1 413 /)
          assert.match(answer, /at most 100000 bytes/)
          assert.match(answer, /connection: close/i)
        }
        yield* until(() => filesOf(site.dataDir).length === 0)
      })
    )
  )

  it.live("that is no form of this kind is told what is wrong with it, field by field, and leaves nothing", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* installation
        const file = { name: "x.txt", bytes: Buffer.from("text") }
        const cases = [
          [formOf({ user: "anna" }, null), "file"],
          [formOf({}, file), "user"],
          [formOf({ user: "anna", colour: "red" }, file), "colour"],
          [formOf({ user: "anna", ["__proto__"]: "x" }, file), "__proto__"],
          [formOf({ user: "anna", tags: ["a,b"] }, file), "tags"],
          [formOf({ user: "anna", admin: "perhaps" }, file), "admin"],
          [formOf({ user: ["anna", "ben"] }, file), "user"]
        ] as const
        for (const [form, field] of cases) {
          const { status, body } = yield* sendForm(site, "POST", "/items/upload", form)
          assert.strictEqual(status, 400, JSON.stringify(body))
          assert.strictEqual(body.errors[0].path[0], field, JSON.stringify(body))
        }
        const elsewhere = "00000000-0000-4000-8000-000000000000"
        const lost = yield* sendForm(site, "POST", "/items/upload", formOf({ user: "anna", parent: elsewhere }, file))
        assert.strictEqual(lost.status, 404)
        yield* until(() => filesOf(site.dataDir).length === 0)
      })
    )
  )

  it.live("into somebody else's tree is refused when it is applied, and what it brought is let go", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* installation
        const { client } = site
        const made = yield* client.post("/items", { user: "anna", type: "collection", name: "A", viewers: ["ben"] })
        yield* taskEnded(client, made.body.taskId)
        const form = formOf({ user: "ben", parent: made.body.itemId }, { name: "x.txt", bytes: Buffer.from("text") })
        const { body } = yield* sendForm(site, "POST", "/items/upload", form)
        const task = yield* taskEnded(client, body.taskId)
        assert.match(task.reason, /^NotOwner: /)
        assert.strictEqual(yield* Effect.provide(rowsOf("blob_hold"), site.context), 0)
      })
    )
  )
})
