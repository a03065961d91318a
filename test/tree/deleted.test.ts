/** Deleted items: how long they can be restored, and that they are removed for good after that. */
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { makeContent } from "../../src/actors/content/content.ts"
import { makeTree } from "../../src/actors/tree/tree.ts"
import { startInstallation, untilOver } from "../scenarios/Installation.ts"
import { changed, collection } from "./exportsWorld.ts"
import type { Site } from "./exportsWorld.ts"
import { apply, layerTree, made, storedItems, taskOf } from "./treeWorld.ts"

const deleted = (site: Site, item: string) => changed(site, "DELETE", `/items/${item}?user=anna`)

/** Makes the deletions of some items so many days older. */
const aged = (items: ReadonlyArray<string>, days: number) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) =>
      sql`UPDATE deleted_branch SET at = at - make_interval(days => ${days}::int) WHERE item::text = ANY (string_to_array(${items.join(",")}, ','))`
  )

describe("what was deleted", () => {
  it.live("is removed for good when its time is over, with what is below it, and nothing else is", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const site = yield* startInstallation<any>({ actors: [makeTree(null), makeContent(null)] })
        const { client } = site
        const make = (name: string, parent: string | null = null) => collection(site, "anna", name, { parent })
        const old = yield* make("old")
        const below = yield* make("below", old)
        const young = yield* make("young")
        const back = yield* make("back")
        const alive = yield* make("alive")
        yield* deleted(site, below)
        for (const item of [old, young, back]) yield* deleted(site, item)
        yield* Effect.provide(aged([old, below, back], 31), site.context)
        yield* Effect.provide(aged([young], 29), site.context)
        yield* changed(site, "POST", `/items/${back}/restore`, { user: "anna" })
        const purge = Effect.gen(function* () {
          const { body } = yield* client.post("/events", {
            type: "content.command",
            user: "files",
            data: { kind: "purgeDeleted" }
          })
          const { status, context } = yield* untilOver(client, body.eventId)
          assert.strictEqual(status, "succeeded")
          return context.content[0]
        })
        assert.deepStrictEqual(yield* purge, { branches: 2 })
        const statusOf = (item: string) => Effect.map(client.get(`/items/${item}?user=anna`), ({ status }) => status)
        assert.deepStrictEqual(
          yield* Effect.forEach([old, below, young, back, alive], statusOf),
          [404, 404, 200, 200, 200]
        )
        assert.deepStrictEqual(yield* purge, { branches: 0 })
        // Deleted anew, its time begins anew.
        yield* deleted(site, back)
        assert.deepStrictEqual(yield* purge, { branches: 0 })
        yield* Effect.provide(aged([back], 31), site.context)
        assert.deepStrictEqual(yield* purge, { branches: 1 })
        assert.strictEqual(yield* statusOf(back), 404)
      })
    )
  )
})

layer(layerTree, { excludeTestServices: true })("a removal that comes late", (it) => {
  it.effect("does nothing to what was restored and deleted anew meanwhile, nor to what is gone", () =>
    Effect.gen(function* () {
      const item = taskOf("x")
      yield* apply("anna", "x", made(null))
      yield* apply("anna", "first", { kind: "delete", item })
      const before = Date.now()
      yield* apply("anna", "back", { kind: "restore", item })
      yield* Effect.sleep("5 millis")
      yield* apply("anna", "second", { kind: "delete", item })
      const late = yield* apply("anna", "late", { kind: "purge", item, deletedBefore: before })
      assert.deepInclude(late, { outcome: "applied", changed: 0 })
      assert.lengthOf(yield* storedItems, 1)
      const ripe = yield* apply("anna", "ripe", { kind: "purge", item, deletedBefore: Date.now() + 60_000 })
      assert.deepInclude(ripe, { outcome: "applied", changed: 1 })
      const again = yield* apply("anna", "again", { kind: "purge", item, deletedBefore: Date.now() + 60_000 })
      assert.deepInclude(again, { outcome: "applied", changed: 0 })
    })
  )
})
