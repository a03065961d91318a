/**
 * What holds of every tree, whatever was asked of it and in whatever order: commands drawn by chance beside a naive
 * model, and each rule by itself. T1 to T15 are the rules' numbers; T5 and T15 are in items.test.ts, being the API's.
 */
import { assert, describe, layer } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { deepest, depthOf, pathOf } from "../../src/domain/tree/Path.ts"
import type { Command } from "../../src/domain/tree/TreeCommand.ts"
import type { TreeOutcome } from "../../src/domain/tree/TreeOutcome.ts"
import { cutOffAt } from "./interrupted.ts"
import { NaiveTree } from "./NaiveTree.ts"
import { drawCommand, makeChance, people } from "./randomCommand.ts"
import type { AboutContent, Drawn } from "./randomCommand.ts"
import { madeOf, pictureContents } from "./randomContent.ts"
import {
  apply,
  countsOf,
  itemsOf,
  layerTree,
  made,
  refusedBy,
  storedCounts,
  storedItems,
  storedOperations,
  taskOf,
  unplaced
} from "./treeWorld.ts"

const [picture, otherPicture] = pictureContents

interface Delivered extends Drawn {
  readonly name: string
  readonly outcome: TreeOutcome
}

/** A database after some hundred commands, each of which came to what the naive tree says. */
class Played extends Context.Service<
  Played,
  { readonly tree: NaiveTree; readonly delivered: ReadonlyArray<Delivered> }
>()("test/Played") {}

const commands = 400

const play = (seed: number, aboutContent: AboutContent) =>
  Effect.gen(function* () {
    const tree = new NaiveTree()
    const chance = makeChance(seed)
    const delivered: Array<Delivered> = []
    for (let n = 0; n < commands; n++) {
      const { owner, value } = drawCommand(chance, tree, aboutContent)
      const name = `command ${n}`
      const expected = tree.apply(owner, taskOf(name), value).refused
      const outcome = yield* apply(owner, name, value.command, value)
      assert.strictEqual(refusedBy(outcome), expected, JSON.stringify({ seed, n, owner, value }))
      delivered.push({ owner, value, name, outcome })
      if (n % 60 !== 0) continue
      assert.deepStrictEqual(unplaced(yield* storedItems), itemsOf(tree), JSON.stringify({ seed, n, owner, value }))
    }
    return { tree, delivered }
  })

const layerPlayed = (seed: number, aboutContent: AboutContent = "of all") =>
  Layer.effect(Played, play(seed, aboutContent)).pipe(Layer.provideMerge(layerTree))

const deliver = ({ owner, value, name }: Drawn & { readonly name: string }) => apply(owner, name, value.command, value)

const state = Effect.all({ items: storedItems, counts: storedCounts })

for (const seed of [11, 12]) {
  describe(`after ${commands} commands by chance (seed ${seed})`, () => {
    layer(layerPlayed(seed), { excludeTestServices: true })((it) => {
      it.effect("T1 every item has the tags of its own and of all above it", () =>
        Effect.gen(function* () {
          const { tree } = yield* Played
          const items = yield* storedItems
          assert.deepStrictEqual(unplaced(items), itemsOf(tree))
          assert.isTrue(items.some(({ own, eff }) => eff.length > own.length))
        })
      )

      it.effect("T2 every path goes on from the parent's, of the same owner, and no two are alike", () =>
        Effect.gen(function* () {
          const items = yield* storedItems
          const byId = new Map(items.map((item) => [item.id, item]))
          for (const { path, parent, owner } of items) {
            const above = parent === null ? undefined : byId.get(parent)
            assert.strictEqual(path.slice(0, -pathOf(null, 0).length), above?.path ?? "")
            assert.strictEqual(above?.owner ?? owner, owner)
          }
          assert.strictEqual(new Set(items.map(({ owner, path }) => owner + path)).size, items.length)
          assert.isAbove(Math.max(...items.map(({ path }) => depthOf(path))), 3)
        })
      )

      it.effect("T3 what users see of tags is what counting all items says, and nothing is counted as none", () =>
        Effect.gen(function* () {
          const { tree } = yield* Played
          const counts = yield* storedCounts
          assert.deepStrictEqual(counts, countsOf(yield* storedItems, tree.publicOwners))
          assert.isTrue([...counts.values()].every((n) => n > 0))
        })
      )

      it.effect(
        "T7 the same commands to an empty database make the same rows, and repeats of them change nothing",
        () =>
          Effect.gen(function* () {
            const { delivered } = yield* Played
            const first = { ...(yield* state), operations: yield* storedOperations }
            yield* Effect.gen(function* () {
              for (const one of delivered) assert.deepStrictEqual(yield* deliver(one), one.outcome)
              assert.deepStrictEqual({ ...(yield* state), operations: yield* storedOperations }, first)
              const chance = makeChance(seed)
              for (const one of delivered.filter(() => chance() < 0.3))
                assert.deepStrictEqual(yield* deliver(one), one.outcome)
              assert.deepStrictEqual({ ...(yield* state), operations: yield* storedOperations }, first)
            }).pipe(Effect.provide(Layer.fresh(layerTree)))
          })
      )

      it.effect(
        "T4 everybody sees of a public owner what the owner sees, of others nothing, and it flips both ways",
        () =>
          Effect.gen(function* () {
            for (const owner of people) {
              for (const [round, isPublic] of [true, false, true].entries()) {
                yield* apply(owner, `public ${owner} ${round}`, { kind: "setPublic", public: isPublic })
                const counts = [...(yield* storedCounts)]
                const own = counts.filter(([place]) => place.startsWith(`${owner}|${owner}|`))
                const everybody = counts.filter(([place]) => place.startsWith(`*|${owner}|`))
                assert.deepStrictEqual(
                  everybody.map(([place, n]) => [place.replace("*", owner), n]).sort(),
                  isPublic ? own.sort() : []
                )
              }
            }
          })
      )
    })
  })
}

describe("commands of several owners at once", () => {
  layer(layerTree, { excludeTestServices: true })((it) => {
    it.effect(
      "T8 come to the same whatever their order between owners; T6 each owner's are numbered as they came",
      () =>
        Effect.gen(function* () {
          const expected = yield* Effect.provide(
            Effect.gen(function* () {
              return { ...(yield* Played), ...(yield* state) }
            }),
            Layer.fresh(layerPlayed(21, "of their own"))
          )
          const ofOwner = (owner: string) => expected.delivered.filter((one) => one.owner === owner)
          yield* Effect.forEach(people, (owner) => Effect.forEach(ofOwner(owner), deliver), {
            concurrency: "unbounded"
          })
          assert.deepStrictEqual(yield* state, { items: expected.items, counts: expected.counts })

          const operations = yield* storedOperations
          for (const owner of people) {
            const own = operations.filter((operation) => operation.owner === owner)
            assert.deepStrictEqual(
              own.map(({ seq, command }) => [seq, command]),
              ofOwner(owner).map(({ name }, n) => [n + 1, taskOf(name)])
            )
          }
        })
    )

    it.effect("T6 one command of an owner is under way at a time, and another owner's goes on beside it", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* Effect.forEach([1, 2, 3, 4, 5, 6], (n) => apply("olaf", `olaf ${n}`, made(null)), {
          concurrency: "unbounded"
        })
        const overlaps = yield* sql.unsafe(
          `SELECT 1 FROM tree_operation a JOIN tree_operation b ON a.owner = b.owner AND a.seq < b.seq AND a.ended_at > b.begun_at`
        )
        assert.lengthOf(overlaps, 0)
        yield* apply("paul", "paul 1", made(null))
        const isHeld = yield* Deferred.make<void>()
        const over = yield* Deferred.make<void>()
        // As a long command of Olaf's has it.
        const holding = yield* Effect.forkChild(
          sql.withTransaction(
            Effect.gen(function* () {
              yield* sql`SELECT 1 FROM tree_owner o JOIN tree_user u ON u.id = o.owner WHERE u.name = 'olaf' FOR UPDATE OF o`
              yield* Deferred.succeed(isHeld, undefined)
              yield* Deferred.await(over)
            })
          )
        )
        yield* Deferred.await(isHeld)
        const waiting = yield* Effect.forkChild(apply("olaf", "olaf 7", made(null)))
        const shared = made("paul 1", { tags: ["red"], viewers: ["olaf"] })
        assert.isNull(refusedBy(yield* apply("paul", "paul 2", shared)))
        assert.isUndefined(waiting.pollUnsafe())
        yield* Deferred.succeed(over, undefined)
        yield* Fiber.join(holding)
        assert.isNull(refusedBy(yield* Fiber.join(waiting)))
      })
    )
  })
})

const removed = (item: string, remove: ReadonlyArray<string>): Command => ({
  kind: "setTags",
  item: taskOf(item),
  remove
})

describe("a tree", () => {
  layer(layerTree, { excludeTestServices: true })((it) => {
    it.effect(
      "T9 cut off before any of its statements, a command has changed nothing, and then does all of it once",
      () =>
        Effect.gen(function* () {
          yield* apply("kim", "k", made(null, { tags: ["a"], viewers: ["ben"] }))
          yield* apply("kim", "k/1", made("k", { tags: ["b"], viewers: ["ben"] }))
          yield* apply("kim", "k/1/1", made("k/1", { viewers: ["ben", "eve"] }))
          yield* apply("kim", "other", made(null, { tags: ["c"] }))
          const changes: ReadonlyArray<Command> = [
            { kind: "setTags", item: taskOf("k"), add: ["new"], remove: ["a"] },
            { kind: "move", item: taskOf("k/1"), parent: taskOf("other") },
            {
              kind: "setAccess",
              item: taskOf("k/1"),
              grant: ["zoe"],
              revoke: ["ben"],
              parents: true,
              children: "copy"
            },
            { kind: "create", parent: taskOf("k"), type: "item", name: "x", tags: ["a", "b"], viewers: ["ben"] },
            { kind: "delete", item: taskOf("k/1") },
            { kind: "restore", item: taskOf("k/1") },
            { kind: "upload", parent: taskOf("k"), name: "x.jpg", tags: ["a"], viewers: null, content: picture },
            {
              kind: "attach",
              item: taskOf("change 6"),
              gen: 1,
              sha256: picture.sha256,
              attachment: madeOf(picture.sha256)
            },
            { kind: "upload", parent: null, name: "y.jpg", tags: [], viewers: null, content: otherPicture },
            { kind: "copyContent", item: taskOf("change 8"), from: taskOf("change 6") },
            { kind: "setContent", item: taskOf("change 8"), content: otherPicture },
            { kind: "copy", item: taskOf("k"), parent: null },
            { kind: "delete", item: taskOf("k") },
            { kind: "purge", item: taskOf("k") },
            { kind: "setPublic", public: true }
          ]
          for (const [n, change] of changes.entries()) {
            const before = yield* state
            const operations = yield* storedOperations
            let cuts = 0
            while (yield* cutOffAt(cuts + 1, apply("kim", `change ${n}`, change))) {
              assert.deepStrictEqual(yield* state, before, `${change.kind}, statement ${cuts + 1}`)
              assert.deepStrictEqual(yield* storedOperations, operations)
              cuts++
            }
            assert.isAbove(cuts, 5, change.kind)
            assert.strictEqual((yield* storedOperations).length, operations.length + 1)
            assert.notDeepEqual(yield* state, before)
          }
        })
    )

    it.effect("T9 a process that was replaced is refused, but is told what came of a command that was applied", () =>
      Effect.gen(function* () {
        const first = yield* apply("zara", "z1", made(null), { epoch: 4 })
        yield* apply("zara", "z2", made("z1"), { epoch: 5 })
        const before = yield* state
        const late = yield* Effect.flip(apply("zara", "z3", made("z1"), { epoch: 4 }))
        assert.deepInclude(late, { _tag: "StaleEpoch", held: 4, seen: 5, isRetryable: true })
        assert.deepStrictEqual(yield* apply("zara", "z1", made(null), { epoch: 4 }), first)
        assert.deepStrictEqual(yield* state, before)
      })
    )

    it.effect(
      "T10 what somebody else asks for changes nothing; who does not see an item is told that there is none",
      () =>
        Effect.gen(function* () {
          yield* apply("lea", "l", made(null, { viewers: ["ben"] }))
          const before = yield* state
          const item = taskOf("l")
          const asked: ReadonlyArray<Command> = [
            { kind: "rename", item, name: "mine" },
            { kind: "move", item, parent: null },
            { kind: "setTags", item, add: ["x"] },
            { kind: "setAccess", item, grant: ["mallory"] },
            { kind: "delete", item },
            { kind: "restore", item },
            { kind: "setContent", item, content: picture },
            { kind: "fetched", item, gen: 1, content: picture },
            { kind: "attach", item, gen: 1, sha256: picture.sha256, attachment: madeOf(picture.sha256) },
            { kind: "copyContent", item, from: item },
            { kind: "purge", item },
            made("l")
          ]
          for (const [n, command] of asked.entries()) {
            const seen = yield* apply("lea", `ben ${n}`, command, { by: "ben" })
            assert.strictEqual(refusedBy(seen), "NotOwner", command.kind)
            const unseen = yield* apply("lea", `mallory ${n}`, command, { by: "mallory" })
            const nothing = "item" in command ? { ...command, item: taskOf("none") } : made("none")
            const absent = yield* apply("lea", `absent ${n}`, nothing, { by: "mallory" })
            assert.deepStrictEqual(
              [refusedBy(unseen), JSON.stringify(unseen).replaceAll(item, "X")],
              [
                "NotFound",
                JSON.stringify(absent)
                  .replaceAll(taskOf("none"), "X")
                  .replace(/"seq":\d+/, `"seq":${unseen.seq}`)
              ]
            )
          }
          assert.strictEqual(refusedBy(yield* apply("lea", "top", made(null), { by: "ben" })), "NotOwner")
          assert.deepStrictEqual(yield* state, before)
          assert.isNull(refusedBy(yield* apply("lea", "chief", asked[0]!, { by: "chief", admin: true })))
        })
    )

    const viewers = (...names: ReadonlyArray<string>) =>
      Effect.map(storedItems, (items) =>
        names.map((name) => items.find(({ id }) => id === taskOf(name))!.viewers.join(" "))
      )

    it.effect("T11 a set is copied to all below, a difference is made to each, a grant reaches all above", () =>
      Effect.gen(function* () {
        yield* apply("mia", "m", made(null))
        yield* apply("mia", "m/a", made("m", { viewers: ["ben"] }))
        yield* apply("mia", "m/a/1", made("m/a", { viewers: ["eve", "ben"] }))
        const access = (name: string, change: Partial<Extract<Command, { kind: "setAccess" }>>) =>
          apply("mia", name, { kind: "setAccess", item: taskOf("m/a"), ...change })
        yield* access("m1", { grant: ["zoe"], revoke: ["ben"], children: "delta" })
        assert.deepStrictEqual(yield* viewers("m", "m/a", "m/a/1"), ["", "zoe", "eve zoe"])
        yield* access("m2", { grant: ["ann"], parents: true })
        assert.deepStrictEqual(yield* viewers("m", "m/a", "m/a/1"), ["ann", "ann zoe", "eve zoe"])
        yield* access("m3", { set: ["ben", "mia"], children: "copy" })
        assert.deepStrictEqual(yield* viewers("m", "m/a", "m/a/1"), ["ann", "ben", "ben"])
      })
    )

    it.effect(
      "T12 a tag that is taken away is gone from what everybody sees, unless an item has it from elsewhere",
      () =>
        Effect.gen(function* () {
          yield* apply("nia", "n", made(null, { tags: ["sea", "sun"], viewers: ["ben"] }))
          yield* apply("nia", "n/1", made("n"))
          yield* apply("nia", "n/2", made("n", { tags: ["sea"] }))
          yield* apply("nia", "n/2/1", made("n/2"))
          yield* apply("nia", "n-", removed("n", ["sea", "sun"]))
          const counts = [...(yield* storedCounts)].filter(([place]) => place.includes("|nia|"))
          assert.sameDeepMembers(counts, [
            ["nia|nia|sea", 2],
            ["ben|nia|sea", 2]
          ])
        })
    )

    it.effect("T13 of two moves at once of each below the other, exactly one is made", () =>
      Effect.gen(function* () {
        for (let round = 0; round < 10; round++) {
          const [a, b] = [`a${round}`, `b${round}`]
          yield* apply("otto", a, made(null))
          yield* apply("otto", b, made(null))
          const outcomes = yield* Effect.all(
            [
              apply("otto", `${a} to ${b}`, { kind: "move", item: taskOf(a), parent: taskOf(b) }),
              apply("otto", `${b} to ${a}`, { kind: "move", item: taskOf(b), parent: taskOf(a) })
            ],
            { concurrency: "unbounded" }
          )
          assert.sameMembers(outcomes.map(refusedBy), [null, "WouldCycle"])
        }
      })
    )

    it.effect(
      "T14 what is deleted and restored is as before, with what had been deleted before and what changed above",
      () =>
        Effect.gen(function* () {
          yield* apply("pia", "p", made(null, { tags: ["old"], viewers: ["ben"] }))
          yield* apply("pia", "p/1", made("p", { tags: ["x"] }))
          yield* apply("pia", "p/1/1", made("p/1"))
          yield* apply("pia", "p/1/2", made("p/1"))
          yield* apply("pia", "gone before", { kind: "delete", item: taskOf("p/1/1") })
          const before = yield* state
          yield* apply("pia", "away", { kind: "delete", item: taskOf("p/1") })
          assert.notDeepEqual((yield* state).counts, before.counts)
          yield* apply("pia", "back", { kind: "restore", item: taskOf("p/1") })
          assert.deepStrictEqual(yield* state, before)

          yield* apply("pia", "away again", { kind: "delete", item: taskOf("p/1") })
          yield* apply("pia", "other tags", { kind: "setTags", item: taskOf("p"), set: ["new"] })
          yield* apply("pia", "back again", { kind: "restore", item: taskOf("p/1") })
          const items = yield* storedItems
          assert.deepStrictEqual(items.find(({ id }) => id === taskOf("p/1/2"))!.eff, ["new", "x"])
          assert.deepStrictEqual(yield* storedCounts, countsOf(items, new Set(["kim"])))
        })
    )

    it.effect("has at most 200 levels, whether an item is made or moved to a deeper one", () =>
      Effect.gen(function* () {
        yield* apply("rut", "level 1", made(null))
        for (let n = 2; n <= deepest; n++) yield* apply("rut", `level ${n}`, made(`level ${n - 1}`))
        assert.strictEqual(refusedBy(yield* apply("rut", "too deep", made(`level ${deepest}`))), "TooDeep")
        yield* apply("rut", "pair", made(null))
        yield* apply("rut", "pair/1", made("pair"))
        const below = (n: number): Command => ({ kind: "move", item: taskOf("pair"), parent: taskOf(`level ${n}`) })
        assert.strictEqual(refusedBy(yield* apply("rut", "moved too deep", below(deepest - 1))), "TooDeep")
        assert.isNull(refusedBy(yield* apply("rut", "moved", below(deepest - 2))))
        const pair = (yield* storedItems).find(({ id }) => id === taskOf("pair/1"))!
        assert.strictEqual(depthOf(pair.path), deepest)
      })
    )
  })
})
