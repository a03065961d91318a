/** Exports over HTTP, on the whole product: what is in them, and for whom. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Stream } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import sharp from "sharp"
import { makeExporter } from "../../src/actors/exporter/exporter.ts"
import { makeTree } from "../../src/actors/tree/tree.ts"
import { Blobs } from "../../src/services/blobs/Blobs.ts"
import { startInstallation } from "../scenarios/Installation.ts"
import { complaintsOf, unzip } from "../support/unzip.ts"
import { syntheticPhoto } from "../support/photos.ts"
import {
  asked,
  changed,
  collection,
  ended,
  exported,
  fetched,
  filesBelow,
  filesIn,
  manifestIn,
  uploaded
} from "./exportsWorld.ts"
import type { Site } from "./exportsWorld.ts"
import { makeTextConverter, pngOf, taskEnded, untilContent } from "./filesWorld.ts"

const actors = [makeTree(null), makeTextConverter(), makeExporter(null)]
const installation = startInstallation({ actors })

/** An album of anna's with an album in it, seen by ben but for some of it. */
const album = (site: Site) =>
  Effect.gen(function* () {
    const whole = yield* collection(site, "anna", "Album", { viewers: ["ben"], tags: ["year"] })
    const sea = yield* collection(site, "anna", "Sea", { parent: whole, tags: ["sea"] })
    const secret = yield* collection(site, "anna", "Secret", { parent: whole, viewers: ["chris"] })
    const ids = {
      whole,
      sea,
      secret,
      a: yield* uploaded(site, "anna", "a.txt", "file a", { parent: whole }),
      wave: yield* uploaded(site, "anna", "wave.txt", "file wave", { parent: sea, tags: ["blue"] }),
      again: yield* uploaded(site, "anna", "WAVE.txt", "file again", { parent: sea }),
      hidden: yield* uploaded(site, "anna", "hidden.txt", "hidden", { parent: secret }),
      shown: yield* uploaded(site, "anna", "shown.txt", "shown", { parent: secret, viewers: ["ben"] })
    }
    return ids
  })

describe("an export", () => {
  it.live("has the tree as folders, for its owner all of it and for others what each of them sees", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* installation
        const ids = yield* album(site)
        const wanted = { selection: { items: [ids.whole] }, format: "zip" }
        const own = yield* exported(site, "anna", wanted)
        assert.deepStrictEqual(filesIn(own.bytes), {
          "Album/": "",
          "Album/Sea/": "",
          "Album/Sea/wave.txt": "file wave",
          "Album/Sea/WAVE (2).txt": "file again",
          "Album/Secret/": "",
          "Album/Secret/hidden.txt": "hidden",
          "Album/Secret/shown.txt": "shown",
          "Album/a.txt": "file a"
        })
        assert.deepInclude(own.about, { items: 8, files: 5, skippedCount: 0, size: own.bytes.length, reason: null })
        const others = yield* exported(site, "ben", wanted)
        // Nothing says that there is a folder, or what it is called.
        assert.deepStrictEqual(filesIn(others.bytes), {
          "Album/": "",
          "Album/Sea/": "",
          "Album/Sea/wave.txt": "file wave",
          "Album/Sea/WAVE (2).txt": "file again",
          "Album/shown.txt": "shown",
          "Album/a.txt": "file a"
        })
        assert.notInclude(others.bytes.toString("latin1"), "Secret")
        assert.deepStrictEqual(manifestIn(others.bytes).skipped, [])
        const file = path.join(site.dataDir, "x.zip")
        fs.writeFileSync(file, own.bytes)
        assert.deepStrictEqual(complaintsOf(file), [])
      })
    )
  )

  it.live("of items that are not seen, gone, deleted or without a file says so, each by its reason", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* installation
        const { client } = site
        const ids = yield* album(site)
        const bare = yield* client.post("/items", { user: "anna", type: "item", name: "bare", viewers: ["ben"] })
        yield* taskEnded(client, bare.body.taskId)
        yield* changed(site, "DELETE", `/items/${ids.a}?user=anna`)
        const nowhere = "00000000-0000-4000-8000-000000000000"
        const items = [ids.a, ids.wave, ids.hidden, bare.body.itemId, nowhere]
        const { bytes, about } = yield* exported(site, "ben", { selection: { items }, format: "zip" })
        assert.deepStrictEqual(filesIn(bytes), { "wave.txt": "file wave" })
        const reasons = new Map(about.skipped.map((skip: any) => [skip.item, [skip.reason, skip.name]]))
        for (const id of [ids.a, ids.hidden, nowhere]) assert.deepStrictEqual(reasons.get(id), ["NotFound", null])
        assert.deepStrictEqual(reasons.get(bare.body.itemId), ["NoContent", "bare"])
        assert.deepStrictEqual(manifestIn(bytes).skipped, about.skipped)
        assert.strictEqual(about.skippedCount, 4)
        // Who may see nothing gets nothing, and is not told of anything.
        const none = yield* exported(site, "eve", { selection: { items: [ids.whole] }, format: "zip" })
        assert.deepStrictEqual(filesIn(none.bytes), {})
        const admin = yield* exported(site, "eve", { admin: true, selection: { items: [ids.hidden] }, format: "zip" })
        assert.deepStrictEqual(filesIn(admin.bytes), { "hidden.txt": "hidden" })
      })
    )
  )

  it.live("has what its requester sees when it is made, not when it was asked for", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const begun = yield* Deferred.make<void>()
        const real = makeExporter(null)
        const late: typeof real = {
          ...real,
          handler: (value, task) => Effect.andThen(Deferred.await(begun), real.handler(value, task))
        }
        const site = yield* startInstallation({ actors: [makeTree(null), makeTextConverter(), late] })
        const { client } = site
        const ids = yield* album(site)
        const id = yield* asked(site, "ben", { selection: { items: [ids.whole] }, format: "zip" })
        assert.include(["queued", "in_progress"], (yield* client.get(`/exports/${id}?user=ben`)).body.status)
        yield* changed(site, "PUT", `/items/${ids.sea}/access`, { user: "anna", revoke: ["ben"], children: "delta" })
        yield* changed(site, "PUT", `/items/${ids.hidden}/access`, { user: "anna", grant: ["ben"] })
        yield* Deferred.succeed(begun, undefined)
        yield* ended(site, "ben", id)
        assert.deepStrictEqual(Object.keys(filesIn(yield* fetched(site, "ben", id))), [
          "Album/",
          "Album/hidden.txt",
          "Album/shown.txt",
          "Album/a.txt"
        ])
      })
    )
  )

  it.live("that is under way when a right is taken away does not have what it had not come to", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const reading = yield* Deferred.make<void>()
        const goOn = yield* Deferred.make<void>()
        const real = makeExporter(null)
        const slow: typeof real = {
          ...real,
          handler: (value, task) =>
            Effect.flatMap(Blobs, (blobs) => {
              const wait = Effect.andThen(Deferred.succeed(reading, undefined), Deferred.await(goOn))
              const get: typeof blobs.get = (sha256, range) =>
                Stream.concat(Stream.drain(Stream.fromEffect(wait)), blobs.get(sha256, range))
              return Effect.provideService(real.handler(value, task), Blobs, { ...blobs, get })
            })
        }
        const site = yield* startInstallation({ actors: [makeTree(null), makeTextConverter(), slow] })
        const { client } = site
        const top = yield* collection(site, "anna", "Top", { viewers: ["ben"] })
        yield* uploaded(site, "anna", "first.txt", "first", { parent: top })
        const ids: Array<string> = []
        for (let n = 0; n < 80; n++) {
          const { body } = yield* client.post("/items", { user: "anna", type: "collection", name: `${n}`, parent: top })
          ids.push(body.itemId)
        }
        yield* taskEnded(client, ids.at(-1)!)
        const id = yield* asked(site, "ben", { selection: { items: [top] }, format: "zip" })
        yield* Deferred.await(reading)
        for (const item of [ids[2]!, ids[79]!])
          yield* changed(site, "PUT", `/items/${item}/access`, { user: "anna", revoke: ["ben"] })
        // So long what was read of rights may be good.
        yield* Effect.sleep("300 millis")
        yield* Deferred.succeed(goOn, undefined)
        yield* ended(site, "ben", id)
        const names = Object.keys(filesIn(yield* fetched(site, "ben", id)))
        assert.includeMembers(names, ["Top/first.txt", "Top/78/"])
        for (const name of ["Top/2/", "Top/79/"]) assert.notInclude(names, name)
      })
    )
  )

  it.live("is of the same bytes where the tree is the same, whenever it is made", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* installation
        const ids = yield* album(site)
        const made = new Map<string, string>()
        for (const format of ["zip", "csv", "json"]) {
          const wanted = { selection: { items: [ids.whole] }, format }
          const first = yield* exported(site, "anna", wanted)
          const second = yield* exported(site, "anna", wanted)
          assert.notStrictEqual(first.id, second.id)
          assert.deepStrictEqual(second.bytes, first.bytes)
          assert.strictEqual(second.about.sha256, first.about.sha256)
          if (format === "zip") for (const { name, at } of unzip(first.bytes).entries) made.set(name, at)
          if (format !== "json") continue
          // The time of a file is that of its item, in the two seconds that a ZIP can tell.
          for (const { path: place, type, createdAt } of JSON.parse(first.bytes.toString()).items) {
            const at = new Date(Math.floor(Date.parse(createdAt) / 2_000) * 2_000).toISOString()
            assert.strictEqual(`${made.get(type === "collection" ? `${place}/` : place)}.000Z`, at)
          }
        }
      })
    )
  )

  it.live("has only what has the tags that are asked for, in the folders where it stands", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* installation
        const ids = yield* album(site)
        const wanted = { selection: { items: [ids.whole], tags: ["SEA", "blue"] }, format: "zip" }
        assert.deepStrictEqual(filesIn((yield* exported(site, "ben", wanted)).bytes), {
          "Album/Sea/wave.txt": "file wave"
        })
        const alone = { selection: { items: [ids.wave, ids.sea, ids.whole], below: false }, format: "zip" }
        assert.deepStrictEqual(Object.keys(filesIn((yield* exported(site, "ben", alone)).bytes)), [
          "Album/",
          "Album/Sea/",
          "Album/Sea/wave.txt"
        ])
        const none = { ...wanted, selection: { ...wanted.selection, tags: ["nobody has it"] } }
        assert.deepStrictEqual(filesIn((yield* exported(site, "ben", none)).bytes), {})
      })
    )
  )

  it.live("tells what is known of items as CSV and as JSON, and where a picture was taken to its owner alone", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* installation
        const { client } = site
        const picture = yield* uploaded(site, "anna", "=x.png", pngOf("x"), { viewers: ["ben"], tags: ["sea", "blue"] })
        const { sha256, gen } = (yield* untilContent(client, "anna", picture, "available")).content
        const exif = {
          takenAt: "2026-07-01T12:30:15+02:00",
          make: "a camera",
          position: { latitude: -12.5, longitude: 13 }
        }
        const derived = { sha256, size: 1, width: 4, height: 3, format: "png" }
        const attachment = {
          kind: "converted",
          preview: derived,
          thumbnail: derived,
          width: 40,
          height: 30,
          thumbhash: "",
          degraded: null,
          exif
        }
        const command = { kind: "attach", item: picture, gen, sha256, attachment }
        const event = yield* client.post("/events", {
          type: "tree.command",
          user: "anna",
          data: { by: "anna", admin: false, command }
        })
        assert.strictEqual((yield* taskEnded(client, event.body.taskId)).status, "succeeded")
        const selection = { items: [picture] }
        const json = (user: string) =>
          Effect.map(exported(site, user, { selection, format: "json" }), ({ bytes }) => JSON.parse(bytes.toString()))
        const own = (yield* json("anna")).items[0]
        assert.deepInclude(own, {
          id: picture,
          path: "=x.png",
          name: "=x.png",
          type: "item",
          owner: "anna",
          tags: ["blue", "sea"]
        })
        assert.deepInclude(own.content, { sha256, type: "image/png", width: 40, height: 30, exif })
        const { position: _private, ...rest } = exif
        assert.deepStrictEqual((yield* json("ben")).items[0].content.exif, rest)
        const csv = (user: string) =>
          Effect.map(exported(site, user, { selection, format: "csv" }), ({ bytes }) => bytes.toString().split("\r\n"))
        const [head, line, ...more] = yield* csv("anna")
        assert.match(head!, /^id,path,name,type,owner,tags,/)
        assert.include(line!, `${picture},'=x.png,'=x.png,item,anna,"blue, sea"`)
        assert.match(line!, /,-12\.5,13,$/)
        assert.deepStrictEqual(more, [""])
        assert.notInclude((yield* csv("ben")).join("\n"), "12.5")
        const { bytes } = yield* exported(site, "ben", { selection, format: "zip" })
        assert.strictEqual(unzip(bytes).entries[0]!.at, "2026-07-01T12:30:14")
      })
    )
  )

  it.live(
    "has pictures made anew in the wanted format and size, and others as they are or not, as was asked",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const site = yield* installation
          const photo = yield* Effect.promise(() => syntheticPhoto({ width: 1_200, height: 900, seed: 1 }))
          const turned = yield* Effect.promise(() => sharp(photo).withMetadata({ orientation: 6 }).toBuffer())
          const items = [
            yield* uploaded(site, "anna", "photo.jpeg", photo),
            yield* uploaded(site, "anna", "turned.JPG", turned),
            yield* uploaded(site, "anna", "notes.txt", "a text"),
            yield* uploaded(site, "anna", "broken.png", pngOf("nothing"))
          ]
          const run = (images: object) => exported(site, "anna", { selection: { items }, format: "zip", images })
          for (const [format, ending] of [
            ["webp", "webp"],
            ["avif", "avif"],
            ["jpeg", "jpeg"]
          ] as const) {
            const { bytes, about } = yield* run({ format, size: 400, quality: 70 })
            const { entries } = unzip(bytes)
            const names = entries.map(({ name }) => name)
            assert.deepStrictEqual(names, [
              `photo.${ending}`,
              format === "jpeg" ? "turned.JPG" : `turned.${ending}`,
              "notes.txt",
              "broken.png",
              "manifest.json"
            ])
            const [one, two] = yield* Effect.promise(() =>
              Promise.all(entries.slice(0, 2).map(({ bytes: made }) => sharp(made).metadata()))
            )
            assert.deepInclude(one!, { format: format === "avif" ? "heif" : format, width: 400, height: 300 })
            assert.deepInclude(two!, { width: 300, height: 400 })
            assert.notProperty(two!, "exif")
            assert.strictEqual(about.skippedCount, 0)
          }
          const { bytes, about } = yield* run({ format: "webp", size: 100, otherwise: "skip" })
          assert.deepStrictEqual(Object.keys(filesIn(bytes)), ["photo.webp", "turned.webp"])
          assert.deepStrictEqual(
            about.skipped.map(({ name, reason }: any) => [name, reason]),
            [
              ["notes.txt", "NoPicture"],
              ["broken.png", "NoPicture"]
            ]
          )
          const originals = unzip((yield* run({ format: "original" })).bytes).entries
          assert.deepStrictEqual(originals[0]!.bytes, photo)
          assert.strictEqual(originals[0]!.method, 0)
          assert.strictEqual(originals[2]!.method, 8)
          assert.deepStrictEqual(filesBelow(path.join(site.dataDir, "files", "incoming")), [])
        })
      ),
    120_000
  )
})
