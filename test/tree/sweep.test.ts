/**
 * Which files are kept: those that something refers to or is about to, and all others for a grace. S1 to S5 are the
 * store's rules by their numbers; S1 and S5 are in test/contract/blobs.test.ts and blobs.s3.test.ts too.
 */
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { createHash } from "node:crypto"
import { Blobs } from "../../src/services/blobs/Blobs.ts"
import { KeptBlobs } from "../../src/services/content/limits.ts"
import { migrate } from "../../src/services/content/migrate.ts"
import { keepHeld } from "../../src/services/content/references.ts"
import { sweep } from "../../src/services/content/sweep.ts"
import { verify } from "../../src/services/content/verify.ts"
import { layerMemoryBlobs } from "../../src/services/blobs/MemoryBlobs.ts"
import type { Command } from "../../src/domain/tree/TreeCommand.ts"
import { makeChance } from "./randomCommand.ts"
import { apply, layerTree, refusedBy, taskOf } from "./treeWorld.ts"

/** No grace: what is marked goes in the next pass. */
const atOnce = Layer.succeed(KeptBlobs, { graceMs: 0, orphanMs: 0 })
/** The same, but what waits for a task that nobody knows yet is held. */
const whileHeld = Layer.succeed(KeptBlobs, { graceMs: 0, orphanMs: 3_600_000 })
const hashOf = (text: string) => createHash("sha256").update(text).digest("hex")

const contentOf = (text: string) =>
  ({ kind: "stored", sha256: hashOf(text), size: text.length, type: "text/plain" }) as const

const upload = (text: string): Command => ({
  kind: "upload",
  parent: null,
  name: "x.txt",
  tags: [],
  viewers: null,
  content: contentOf(text)
})

const isThere = (text: string) => Blobs.use((blobs) => Effect.isSuccess(blobs.head(hashOf(text))))

/** As the API takes a file in for the task called `name`. */
const takeIn = (text: string, name: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      const staged = yield* (yield* Blobs).stage(Buffer.from(text))
      yield* keepHeld(staged, "text/plain", taskOf(name))
    })
  )

const uploaded = (owner: string, text: string, name: string) =>
  Effect.gen(function* () {
    yield* takeIn(text, name)
    assert.isNull(refusedBy(yield* apply(owner, name, upload(text))))
  })

const removed = (owner: string, item: string) =>
  Effect.gen(function* () {
    yield* apply(owner, `delete ${item}`, { kind: "delete", item: taskOf(item) })
    assert.isNull(refusedBy(yield* apply(owner, `purge ${item}`, { kind: "purge", item: taskOf(item) })))
  })

/** Marks what nobody refers to, and removes what was marked. */
const twice = Effect.andThen(sweep({ orphans: true }), sweep({ orphans: true }))

/** S2: every reference has a row, and every row that vouches has its bytes. */
const danglers = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe<{ sha256: string }>(
    `SELECT sha256 FROM item_blob UNION SELECT sha256 FROM blob_hold UNION SELECT sha256 FROM blob WHERE unreferenced_at IS NULL`
  )
  const blobs = yield* Blobs
  return yield* Effect.filter(rows, ({ sha256 }) => Effect.isFailure(blobs.head(sha256)))
})

const fresh = Layer.fresh(Layer.mergeAll(layerTree, atOnce))

describe("files that nobody refers to", () => {
  it.live("S3 go after a grace, and no earlier; a reference that comes meanwhile keeps them", () =>
    Effect.gen(function* () {
      yield* uploaded("anna", "one", "a")
      yield* uploaded("anna", "two", "b")
      yield* uploaded("anna", "two", "c")
      yield* removed("anna", "a")
      yield* removed("anna", "b")
      assert.deepInclude(yield* sweep({ orphans: true }), { marked: 1, removed: 0 })
      assert.isTrue(yield* isThere("one"), "marked, it is there")
      yield* uploaded("anna", "one", "d")
      assert.deepInclude(yield* sweep({ orphans: true }), { removed: 0 })
      yield* removed("anna", "d")
      yield* twice
      assert.isFalse(yield* isThere("one"))
      assert.isTrue(yield* isThere("two"), "one of two references is left")
      assert.lengthOf(yield* danglers, 0)
      const late = Layer.succeed(KeptBlobs, { graceMs: 3_600_000, orphanMs: 3_600_000 })
      yield* removed("anna", "c")
      yield* Effect.provide(twice, late)
      assert.isTrue(yield* isThere("two"), "within the grace it is kept")
    }).pipe(Effect.provide(fresh))
  )

  it.live("S3 go too where no row ever knew them, and no file is left that is older than its time", () =>
    Effect.gen(function* () {
      const blobs = yield* Blobs
      yield* uploaded("anna", "known", "a")
      yield* blobs.put(Buffer.from("an orphan"))
      const before = yield* Stream.runCount(blobs.list())
      const swept = yield* sweep({ orphans: true })
      assert.isFalse(yield* isThere("an orphan"))
      assert.isTrue(yield* isThere("known"))
      assert.deepInclude(swept, { orphans: before - 1 })
      assert.strictEqual(yield* Stream.runCount(blobs.list()), 1)
    }).pipe(Effect.provide(fresh))
  )

  it.live("are held while their task has not ended, and let go when it has", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* takeIn("waiting", "w")
      yield* Effect.provide(twice, whileHeld)
      assert.isTrue(yield* isThere("waiting"), "its task is not known yet")
      assert.isNull(refusedBy(yield* apply("anna", "w", upload("waiting"))))
      assert.lengthOf(yield* sql`SELECT 1 FROM blob_hold`, 0)
      yield* takeIn("until", "another holder")
      yield* sql`UPDATE blob_hold SET until = now() - interval '1 second'`
      assert.deepInclude(yield* sweep({ orphans: true }), { holds: 1 })
      yield* sweep({ orphans: true })
      assert.isFalse(yield* isThere("until"))
    }).pipe(Effect.provide(fresh))
  )

  it.live("S3 S2 no file that is referred to is removed, whoever adds and removes while sweeps run", () =>
    Effect.gen(function* () {
      const texts = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"]
      const person = (owner: string, seed: number) =>
        Effect.gen(function* () {
          const chance = makeChance(seed)
          for (let n = 0; n < 30; n++) {
            const name = `${owner} ${n}`
            const text = texts[Math.floor(chance() * texts.length)]!
            yield* uploaded(owner, text, name)
            assert.isTrue(yield* isThere(text))
            if (chance() < 0.9) yield* removed(owner, name)
          }
        })
      const people = Effect.all([person("anna", 1), person("ben", 2), person("chris", 3)], { concurrency: 3 })
      let removals = 0
      const sweeping = sweep({ orphans: true }).pipe(
        Effect.map(({ removed: count }) => {
          removals += count
        }),
        Effect.forever,
        Effect.provide(whileHeld)
      )
      yield* Effect.raceFirst(people, Effect.all([sweeping, sweeping], { concurrency: 2 }))
      assert.isAbove(removals, 3)
      assert.lengthOf(yield* danglers, 0)
    }).pipe(Effect.provide(fresh))
  )
})

describe("files in the store", () => {
  layer(Layer.mergeAll(layerTree, atOnce), { excludeTestServices: true })((it) => {
    it.effect("S4 a copy moves no byte, and deleting one of two references keeps the file", () =>
      Effect.gen(function* () {
        yield* uploaded("anna", "shared", "s")
        const blobs = yield* Blobs
        const before = yield* Stream.runCollect(blobs.list())
        yield* apply("anna", "copy of s", { kind: "copy", item: taskOf("s"), parent: null })
        assert.deepStrictEqual(yield* Stream.runCollect(blobs.list()), before, "nothing was put, not even again")
        yield* removed("anna", "s")
        yield* twice
        assert.isTrue(yield* isThere("shared"))
        yield* removed("anna", "copy of s")
        yield* twice
        assert.isFalse(yield* isThere("shared"))
      })
    )

    it.effect("S2 content that the store does not have is refused, so that nothing refers to what is not there", () =>
      Effect.gen(function* () {
        const outcome = yield* apply("anna", "lost", upload("never stored"))
        assert.strictEqual(refusedBy(outcome), "NotStored")
        assert.lengthOf(yield* danglers, 0)
      })
    )

    it.effect("pictures that were swept before the tree heard of them are made again", () =>
      Effect.gen(function* () {
        const text = "a picture"
        yield* takeIn(text, "p")
        yield* apply("anna", "p", { ...upload(text), content: { ...contentOf(text), type: "image/png" } } as Command)
        const derived = (name: string) => ({ sha256: hashOf(name), size: 1, width: 1, height: 1, format: "jpeg" })
        const attached: Command = {
          kind: "attach",
          item: taskOf("p"),
          gen: 1,
          sha256: hashOf(text),
          attachment: {
            kind: "converted",
            preview: derived("a preview"),
            thumbnail: derived("a thumbnail"),
            width: 1,
            height: 1,
            thumbhash: "AAAA",
            degraded: null,
            exif: {}
          }
        }
        const again = { kind: "convert" as const, item: taskOf("p"), gen: 1, sha256: hashOf(text), name: "x.txt" }
        assert.deepInclude(yield* apply("anna", "attach", attached), { changed: 0, next: [again] })
        assert.lengthOf(yield* danglers, 0)
        const blobs = yield* Blobs
        for (const name of ["a preview", "a thumbnail"]) yield* blobs.put(Buffer.from(name))
        assert.deepInclude(yield* apply("anna", "attach again", attached), { changed: 1 })
      })
    )

    it.effect("are verified by reading them: what is missing and what is damaged is named", () =>
      Effect.gen(function* () {
        for (const text of ["sound", "to go"]) yield* uploaded("vera", text, `v ${text}`)
        const blobs = yield* Blobs
        yield* blobs.delete(hashOf("to go"))
        const found = yield* verify(null, () => Effect.void)
        assert.deepStrictEqual(found.missing, [hashOf("to go")])
        assert.deepStrictEqual(found.damaged, [])
        assert.isAtLeast(found.checked, 2)
        assert.strictEqual((yield* verify(1, () => Effect.void)).checked, 1)
      })
    )

    it.effect("move to another store, each once, with what came meanwhile in a second run", () =>
      Effect.gen(function* () {
        const from = yield* Blobs
        const to = yield* Effect.provide(Blobs.use(Effect.succeed), Layer.fresh(layerMemoryBlobs))
        const count = yield* Stream.runCount(from.list())
        const first = yield* migrate(from, to, () => Effect.void)
        assert.deepInclude(first, { copied: count, known: 0, damaged: [] })
        yield* from.put(Buffer.from("came meanwhile"))
        assert.deepInclude(yield* migrate(from, to, () => Effect.void), { copied: 1, known: count })
        assert.deepStrictEqual(
          (yield* Stream.runCollect(to.list())).map(({ sha256 }) => sha256),
          (yield* Stream.runCollect(from.list())).map(({ sha256 }) => sha256)
        )
      })
    )
  })
})
