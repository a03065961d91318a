/** What has gone wrong with trees of items in other programs, and must not here. Each test is named after it. */
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { Command } from "../../src/domain/tree/TreeCommand.ts"
import { statementsOf } from "./interrupted.ts"
import { apply, countsOf, layerTree, made, refusedBy, storedCounts, storedItems, taskOf } from "./treeWorld.ts"
import { fillTrees, itemIdOf, largeOwner } from "./treeData.ts"

const access = (item: string, change: Partial<Extract<Command, { kind: "setAccess" }>>): Command => ({
  kind: "setAccess",
  item: taskOf(item),
  ...change
})

const tags = (item: string, change: Partial<Extract<Command, { kind: "setTags" }>>): Command => ({
  kind: "setTags",
  item: taskOf(item),
  ...change
})

const find = (name: string) => Effect.map(storedItems, (items) => items.find(({ id }) => id === taskOf(name))!)

const countsWith = (part: string) =>
  Effect.map(storedCounts, (counts) => [...counts].filter(([place]) => place.includes(part)).sort())

describe("a tree of items", () => {
  layer(layerTree, { excludeTestServices: true })((it) => {
    it.effect("rights copied to children were those from before the change", () =>
      Effect.gen(function* () {
        yield* apply("ada", "a", made(null, { viewers: ["old"] }))
        yield* apply("ada", "a/1", made("a"))
        yield* apply("ada", "a!", access("a", { set: ["new"], children: "copy" }))
        assert.deepStrictEqual((yield* find("a/1")).viewers, ["new"])
      })
    )

    it.effect("tags that were taken away stayed in what users were offered", () =>
      Effect.gen(function* () {
        yield* apply("bea", "b", made(null, { tags: ["sea"], viewers: ["ben"] }))
        yield* apply("bea", "b/1", made("b"))
        yield* apply("bea", "b!", tags("b", { remove: ["sea"] }))
        assert.deepStrictEqual(yield* countsWith("|bea|"), [])
      })
    )

    it.effect("two changes of one item at once overwrote each other", () =>
      Effect.gen(function* () {
        yield* apply("cleo", "c", made(null))
        const changes: ReadonlyArray<Command> = [
          ...["red", "green", "blue"].map((tag) => tags("c", { add: [tag] })),
          ...["ben", "eve"].map((user) => access("c", { grant: [user] })),
          { kind: "rename", item: taskOf("c"), name: "renamed" }
        ]
        yield* Effect.forEach(changes, (change, n) => apply("cleo", `c ${n}`, change), { concurrency: "unbounded" })
        const { name, own, viewers } = yield* find("c")
        assert.deepStrictEqual(
          { name, own, viewers },
          { name: "renamed", own: ["blue", "green", "red"], viewers: ["ben", "eve"] }
        )
        assert.deepStrictEqual(yield* storedCounts, countsOf(yield* storedItems, new Set()))
      })
    )

    it.effect("an operation was marked as done while half of its effects were missing", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* apply("dot", "d", made(null))
        // A count that cannot be written: the last thing the command does to the tree.
        yield* sql`ALTER TABLE viewer_tag ADD CONSTRAINT broken CHECK (n < 1) NOT VALID`
        yield* Effect.flip(apply("dot", "d!", tags("d", { add: ["x"] })))
        yield* sql`ALTER TABLE viewer_tag DROP CONSTRAINT broken`
        assert.deepStrictEqual((yield* find("d")).own, [])
        assert.isNull(refusedBy(yield* apply("dot", "d!", tags("d", { add: ["x"] }))))
        assert.deepStrictEqual((yield* find("d")).eff, ["x"])
      })
    )

    it.effect("an item was moved below itself by two moves at once, and every walk down went on for ever", () =>
      Effect.gen(function* () {
        for (const name of ["e1", "e2", "e3"]) yield* apply("eva", name, made(null))
        const outcomes = yield* Effect.forEach(
          [
            ["e1", "e2"],
            ["e2", "e3"],
            ["e3", "e1"]
          ] as const,
          ([item, parent]) =>
            apply("eva", `${item} to ${parent}`, { kind: "move", item: taskOf(item), parent: taskOf(parent) }),
          { concurrency: "unbounded" }
        )
        assert.sameMembers(outcomes.map(refusedBy), [null, null, "WouldCycle"])
      })
    )

    it.effect("who was revoked on one item lost the folders of the others", () =>
      Effect.gen(function* () {
        yield* apply("fay", "f", made(null))
        yield* apply("fay", "f/1", made("f"))
        for (const name of ["f/1/a", "f/1/b"]) {
          yield* apply("fay", name, made("f/1"))
          yield* apply("fay", `${name}+`, access(name, { grant: ["ben"], parents: true }))
        }
        yield* apply("fay", "f/1/a-", access("f/1/a", { revoke: ["ben"], parents: true }))
        for (const name of ["f", "f/1", "f/1/b"]) assert.deepStrictEqual((yield* find(name)).viewers, ["ben"], name)
        assert.deepStrictEqual((yield* find("f/1/a")).viewers, [])
        yield* apply("fay", "f/1/b-", access("f/1/b", { revoke: ["ben"], parents: true }))
        for (const name of ["f", "f/1", "f/1/b"]) assert.deepStrictEqual((yield* find(name)).viewers, [], name)
      })
    )

    it.effect("who was revoked lost the folders also where only something deleted was left in them, or kept them", () =>
      Effect.gen(function* () {
        yield* apply("gil", "g", made(null))
        for (const name of ["g/a", "g/b"]) {
          yield* apply("gil", name, made("g"))
          yield* apply("gil", `${name}+`, access(name, { grant: ["ben"], parents: true }))
        }
        yield* apply("gil", "g/b-", { kind: "delete", item: taskOf("g/b") })
        yield* apply("gil", "g/a-", access("g/a", { revoke: ["ben"], parents: true }))
        assert.deepStrictEqual((yield* find("g")).viewers, [])
      })
    )

    it.effect("a change of rights counted anew for every user who sees anything, and names and ids were tags", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* apply("hal", "h", made(null, { tags: ["x"], viewers: ["ben", "eve"] }))
        for (let n = 0; n < 20; n++) yield* apply("hal", `h/${n}`, made("h", { name: `another name ${n}` }))
        assert.lengthOf(yield* countsWith("|hal|"), 3)
        const rows = Effect.map(
          sql.unsafe<{ row: string }>(`SELECT v.name || ' ' || c.xmin::text AS row FROM viewer_tag c
            JOIN tree_user v ON v.id = c.viewer JOIN tree_user o ON o.id = c.owner WHERE o.name = 'hal' ORDER BY 1`),
          (found) => found.map(({ row }) => row)
        )
        const before = yield* rows
        yield* apply("hal", "h!", access("h", { grant: ["zoe"], children: "delta" }))
        const after = yield* rows
        assert.deepStrictEqual(
          after.filter((row) => !row.startsWith("zoe")),
          before
        )
        assert.lengthOf(after, 4)
      })
    )
  })
})

describe("a branch of a thousand items", () => {
  layer(layerTree, { excludeTestServices: true })((it) => {
    it.effect("was changed row by row, with statements for each of its items", () =>
      Effect.gen(function* () {
        yield* fillTrees({ branch: 1_000, owners: 0, each: 0 })
        yield* apply("ida", "i", made(null))
        yield* apply("ida", "i/1", made("i"))
        const said: Array<unknown> = []
        const progress = (value: unknown) => Effect.sync(() => void said.push(value))
        const change = { kind: "setTags", add: ["new"], remove: ["tag-1"] } as const
        const reach = { kind: "setAccess", grant: ["zoe"], children: "delta" } as const
        for (const command of [change, reach]) {
          const item = { ...command, item: itemIdOf(largeOwner, 0) }
          const few = yield* statementsOf(apply("ida", `small ${command.kind}`, { ...command, item: taskOf("i") }))
          // The small one came first and has had the new words written down; for the large one room is made.
          const many = yield* statementsOf(apply(largeOwner, `large ${command.kind}`, item, { progress }))
          assert.isAtMost(many, few + 1)
        }
        assert.deepStrictEqual(said, [{ items: 1_000 }, { items: 1_000 }])
        assert.deepStrictEqual(yield* storedCounts, countsOf(yield* storedItems, new Set()))
      })
    )
  })
})
