/** What exports are made of: names of files, folders, CSV and ZIP. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Stream } from "effect"
import * as fc from "fast-check"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { asType, extensionOf, fileNameOf, makeNames, withExtension } from "../../src/domain/export/FileName.ts"
import { cellsOf, columns } from "../../src/domain/export/Listing.ts"
import type { Listed } from "../../src/domain/export/Listing.ts"
import { makePlaces } from "../../src/domain/export/Places.ts"
import { pathOf } from "../../src/domain/tree/Path.ts"
import { archiveOf } from "../../src/services/exports/Archive.ts"
import type { ArchiveEntry } from "../../src/services/exports/Archive.ts"
import { csvHead, csvOf } from "../../src/services/exports/csv.ts"
import { complaintsOf, unzip } from "../support/unzip.ts"

const odd = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.string({ maxLength: 600 }),
  fc.constantFrom(
    "..",
    ".",
    "",
    "/",
    "../../etc/passwd",
    "C:\\x",
    "con",
    "NUL.txt",
    "a.",
    "a ",
    " a",
    "com1.tar.gz",
    "\u202egpj.exe"
  )
)

describe("the name of a file", () => {
  it("is one that every system takes, whatever the item is called", () => {
    fc.assert(
      fc.property(odd, (name) => {
        const safe = fileNameOf(name)
        assert.isAbove(safe.length, 0)
        assert.isAtMost(Buffer.byteLength(safe), 210)
        assert.notMatch(safe, /[\p{Cc}<>:"/\\|?*\u202a-\u202e\u2066-\u2069]/u)
        assert.notMatch(safe, /^\s|[\s.]$/)
        assert.notMatch(safe, /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i)
        assert.isTrue(safe.isWellFormed())
        assert.strictEqual(safe, safe.normalize("NFC"))
      }),
      { numRuns: 2_000 }
    )
  })

  it("stays what it was where nothing is wrong with it", () => {
    for (const name of ["a summer's day.jpg", "Ёлка №1.png", "日本.txt", "archive.tar.gz", "no extension", ".hidden"])
      assert.strictEqual(fileNameOf(name), name)
  })

  it("keeps its extension when it is cut, and is not cut within a character", () => {
    const long = fileNameOf(`${"ж".repeat(300)}.jpeg`)
    assert.match(long, /^ж+\.jpeg$/)
    assert.isAtMost(Buffer.byteLength(long), 200)
    assert.match(fileNameOf("😀".repeat(100)), /^(😀)+$/u)
  })

  it("gets a number where its folder has one already, large letters being small ones", () => {
    const names = makeNames(["manifest.json"])
    assert.deepStrictEqual(["a.jpg", "A.JPG", "a.jpg", "a (2).jpg", "Manifest.json", "é", "e\u0301"].map(names.take), [
      "a.jpg",
      "A (2).JPG",
      "a (3).jpg",
      "a (2) (2).jpg",
      "Manifest (2).json",
      "é",
      "é (2)"
    ])
  })

  it("is not searched for one by one among ten thousand of the same", () => {
    const names = makeNames()
    const taken = Array.from({ length: 10_000 }, () => names.take("photo.jpg"))
    assert.strictEqual(new Set(taken).size, 10_000)
    assert.strictEqual(taken.at(-1), "photo (10000).jpg")
  })

  it("has the extension of what is in it", () => {
    assert.strictEqual(withExtension("holiday", "image/jpeg"), "holiday.jpg")
    assert.strictEqual(withExtension("holiday.JPEG", "image/png"), "holiday.JPEG")
    assert.strictEqual(asType("holiday.png", "image/webp"), "holiday.webp")
    assert.strictEqual(asType("holiday.JPEG", "image/jpeg"), "holiday.JPEG")
    assert.strictEqual(asType("holiday", "image/avif"), "holiday.avif")
    assert.deepStrictEqual(["x.tar.gz", ".hidden", "no", "a.b c"].map(extensionOf), [".gz", "", "", ""])
  })
})

describe("a place in an export", () => {
  it("is within its folders and no other's, and nowhere else", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1_000), odd, fc.boolean()), { maxLength: 60 }), (drawn) => {
        // A tree in the order of its paths: each below one that came before, or at the top.
        const tree: Array<{ readonly path: string; readonly name: string; readonly isFolder: boolean }> = []
        for (const [n, [above, name, isFolder]] of drawn.entries()) {
          const parent = tree.length === 0 || above % 4 === 0 ? undefined : tree[above % tree.length]
          tree.push({ path: pathOf(parent?.isFolder === true ? parent.path : null, n), name, isFolder })
        }
        tree.sort((a, b) => (a.path < b.path ? -1 : 1))
        const places = makePlaces()
        const placed = new Map<string, string>()
        for (const { path: at, name, isFolder } of tree) {
          const item = { owner: 1, path: at }
          placed.set(at, isFolder ? places.folder(item, name) : places.file(item, name))
        }
        for (const [at, place] of placed) {
          const parent = placed.get(at.slice(0, -6))
          const parts = place.split("/")
          assert.strictEqual(parts.slice(0, -1).join("/"), parent ?? "")
          for (const part of parts) assert.isFalse(part === "" || part === "." || part === "..", place)
        }
        const all = [...placed.values()].map((place) => place.normalize("NFC").toLowerCase())
        assert.strictEqual(new Set(all).size, all.length)
      }),
      { numRuns: 300 }
    )
  })

  it("of what stands below something that is not seen is in the folder above that", () => {
    const places = makePlaces()
    const at = (...slots: ReadonlyArray<number>) => ({
      owner: 1,
      path: slots.reduce<string | null>((above, slot) => pathOf(above, slot), null)!
    })
    assert.strictEqual(places.folder(at(1), "Album"), "Album")
    assert.strictEqual(places.file(at(1, 2, 3), "x.jpg"), "Album/x.jpg")
    assert.strictEqual(places.file(at(1, 4), "x.jpg"), "Album/x (2).jpg")
    assert.strictEqual(places.file({ owner: 2, path: at(1, 5).path }, "x.jpg"), "x.jpg")
  })
})

const listed: Listed = {
  id: "1",
  path: "Album/x.jpg",
  name: "x.jpg",
  type: "item",
  owner: "anna",
  tags: ["sea", "summer"],
  effectiveTags: ["sea", "summer", "year"],
  createdAt: "2026-12-01T08:00:00.000Z",
  content: {
    sha256: "ab",
    size: 7,
    type: "image/jpeg",
    width: 4,
    height: 3,
    exif: { takenAt: "2026-07-01T12:00:00", make: "a camera", iso: 100, position: { latitude: -12.5, longitude: 13 } }
  }
}

/** The fields of CSV by RFC 4180. */
const parse = (text: string): ReadonlyArray<ReadonlyArray<string>> => {
  const rows: Array<Array<string>> = [[]]
  const field = /("(?:[^"]|"")*"|[^,"\r\n]*)(,|\r\n)/y
  while (field.lastIndex < text.length) {
    const match = field.exec(text)
    if (match === null) throw new Error("that is no CSV")
    rows.at(-1)!.push(match[1]!.startsWith('"') ? match[1]!.slice(1, -1).replaceAll('""', '"') : match[1]!)
    if (match[2] === "\r\n") rows.push([])
  }
  return rows.slice(0, -1)
}

describe("CSV", () => {
  it("has a line that names the columns, and as many fields on each line", () => {
    assert.strictEqual(cellsOf(listed).length, columns.length)
    const [head, line] = parse(csvHead + csvOf([listed]))
    const fields = Object.fromEntries(head!.map((name, n) => [name, line![n]]))
    assert.deepInclude(fields, {
      path: "Album/x.jpg",
      tags: "sea, summer",
      taken_at: "2026-07-01T12:00:00",
      iso: "100"
    })
    assert.deepInclude(fields, { latitude: "-12.5", longitude: "13", altitude: "" })
  })

  it("gives back every text, but for an apostrophe before what begins like a formula", () => {
    fc.assert(
      fc.property(fc.oneof(odd, fc.constantFrom("=1+1", "+1", "-2", "@x", "\t=1", 'a"b', "a,b", "a\r\nb")), (name) => {
        const [line] = parse(csvOf([{ ...listed, name }]))
        const found = line![columns.indexOf("name")]!
        assert.strictEqual(/^[=+\-@\t\r＝＋－＠]/.test(name) ? `'${name}` : name, found)
      }),
      { numRuns: 1_000 }
    )
  })
})

type Entry = ArchiveEntry<string, never>

const at = new Date(Date.UTC(2026, 6, 1, 12, 30, 14))
const fileOf = (name: string, text: string, deflates = false): Entry => ({
  path: name,
  at,
  content: Stream.make(Buffer.from(text)),
  deflates
})

const zipped = <E>(entries: Stream.Stream<Entry, E>) =>
  Effect.map(Stream.runCollect(archiveOf(entries)), (chunks) => Buffer.concat(chunks))

describe("a ZIP", () => {
  it.live("is read back by other programs, with the names, times and bytes that were put in", () =>
    Effect.gen(function* () {
      const text = "many words ".repeat(1_000)
      const zip = yield* zipped(
        Stream.make<ReadonlyArray<Entry>>(
          { path: "Фото", at, content: null, deflates: false },
          fileOf("Фото/stored.jpg", text),
          fileOf("Фото/deflated.txt", text, true),
          fileOf("empty.txt", "")
        )
      )
      const { entries, isZip64 } = unzip(zip)
      assert.isFalse(isZip64)
      assert.deepStrictEqual(
        entries.map(({ name, bytes, method }) => [name, bytes.toString(), method]),
        [
          ["Фото/", "", 0],
          ["Фото/stored.jpg", text, 0],
          ["Фото/deflated.txt", text, 8],
          ["empty.txt", "", 0]
        ]
      )
      assert.isTrue(entries[1]!.isUtf8)
      for (const entry of entries) assert.strictEqual(entry.at, "2026-07-01T12:30:14")
      const file = path.join(os.tmpdir(), `postroom-zip-${process.pid}.zip`)
      fs.writeFileSync(file, zip)
      assert.deepStrictEqual(complaintsOf(file), [])
      fs.rmSync(file)
    })
  )

  it.live(
    "of more files than a plain one can count has them all",
    () =>
      Effect.gen(function* () {
        const count = 65_600
        const zip = yield* zipped(Stream.map(Stream.range(1, count), (n) => fileOf(`${n}.txt`, "abc")))
        const { entries, isZip64 } = unzip(zip)
        assert.isTrue(isZip64)
        assert.strictEqual(entries.length, count)
        assert.strictEqual(entries.at(-1)!.name, `${count}.txt`)
        const file = path.join(os.tmpdir(), `postroom-zip64-${process.pid}.zip`)
        fs.writeFileSync(file, zip)
        assert.deepStrictEqual(complaintsOf(file), [])
        fs.rmSync(file)
      }),
    120_000
  )

  it.live("asks for no more than it can pass on, and is of the same bytes each time", () =>
    Effect.gen(function* () {
      const part = Buffer.alloc(1 << 16, 7)
      let asked = 0
      const large: Entry = {
        path: "large.bin",
        at,
        content: Stream.mapEffect(Stream.range(1, 1_000), () =>
          Effect.sync(() => {
            asked++
            return part
          })
        ),
        deflates: false
      }
      const taken = yield* Stream.runCollect(Stream.take(archiveOf(Stream.make(large)), 3))
      assert.isAtMost(taken.length, 3)
      assert.isBelow(asked, 100)
      const small = Stream.make(fileOf("a", "x", true), fileOf("b", "y"))
      assert.deepStrictEqual(yield* zipped(small), yield* zipped(small))
    })
  )

  it.live("fails by the failure of what it is made of, wherever that comes, and stops where it is interrupted", () =>
    Effect.gen(function* () {
      const broken = (content: Stream.Stream<Uint8Array, string>): Entry => ({ path: "b", at, content, deflates: true })
      const cases = [
        Stream.make(fileOf("a", "x"), broken(Stream.fail("lost"))),
        Stream.make(fileOf("a", "x"), broken(Stream.concat(Stream.make(Buffer.from("half")), Stream.fail("lost")))),
        Stream.concat(Stream.make(fileOf("a", "x")), Stream.fail("lost"))
      ]
      for (const entries of cases) assert.deepStrictEqual(yield* Effect.exit(zipped(entries)), Exit.fail("lost"))
      let closed = 0
      const endless = broken(
        Stream.ensuring(
          Stream.fromEffectRepeat(Effect.succeed(Buffer.alloc(1_000))),
          Effect.sync(() => void closed++)
        )
      )
      const running = yield* Effect.forkChild(Stream.runDrain(archiveOf(Stream.make(endless))))
      yield* Effect.sleep("30 millis")
      yield* Fiber.interrupt(running)
      assert.strictEqual(closed, 1)
    })
  )
})
