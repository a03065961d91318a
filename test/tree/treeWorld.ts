/** A database with the tables of Postroom, commands applied to it without a runtime, and what then stands in it. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { applyCommand } from "../../src/actors/tree/apply.ts"
import { migrations } from "../../src/cli/storage.ts"
import { migrate } from "../../src/database/Migration.ts"
import { uuidOf } from "../../src/domain/ids.ts"
import type { Command } from "../../src/domain/tree/TreeCommand.ts"
import type { TreeOutcome } from "../../src/domain/tree/TreeOutcome.ts"
import { layerMemoryBlobs } from "../../src/services/blobs/MemoryBlobs.ts"
import { freshDatabase } from "../support/postgres.ts"
import type { NaiveContent } from "./NaiveItem.ts"
import type { NaiveTree } from "./NaiveTree.ts"
import { fillStore } from "./randomContent.ts"

/** `SqlClient` and `PgClient` on a fresh database with all tables, and an empty store. */
export const layerTree = Layer.unwrap(
  Effect.map(freshDatabase, ({ url }) =>
    Layer.merge(
      Layer.provideMerge(
        Layer.effectDiscard(Effect.orDie(migrate(migrations))),
        Layer.orDie(PgClient.layer({ url, maxConnections: 8 }))
      ),
      Layer.provideMerge(Layer.effectDiscard(Effect.orDie(fillStore)), layerMemoryBlobs)
    )
  )
)

/** The id of the task that a test calls by a name. */
export const taskOf = (name: string) => uuidOf(`test ${name}`)

export interface Given {
  readonly by?: string
  readonly admin?: boolean
  readonly epoch?: number
  readonly progress?: (value: unknown) => Effect.Effect<void>
}

/** Applies a command as the task called `name`; by the owner, unless said otherwise. */
export const apply = (owner: string, name: string, command: Command, given: Given = {}) =>
  applyCommand(
    {
      task: taskOf(name),
      owner,
      partition: 0,
      epoch: given.epoch ?? 1,
      progress: given.progress ?? (() => Effect.void)
    },
    { by: given.by ?? owner, admin: given.admin ?? false, command }
  )

/** The reason of a refusal; null where the command was applied. */
export const refusedBy = (outcome: TreeOutcome): string | null =>
  outcome.outcome === "refused" ? outcome.reason : null

/** A collection (or an item) with plain contents. */
export const made = (parent: string | null, more: Partial<Extract<Command, { kind: "create" }>> = {}): Command => ({
  kind: "create",
  parent: parent === null ? null : taskOf(parent),
  type: "collection",
  name: "a name",
  tags: [],
  viewers: null,
  ...more
})

export interface StoredItem {
  readonly id: string
  readonly owner: string
  readonly parent: string | null
  readonly type: string
  readonly name: string
  readonly path: string
  readonly own: ReadonlyArray<string>
  readonly eff: ReadonlyArray<string>
  readonly viewers: ReadonlyArray<string>
  readonly deletedWith: string | null
  readonly content: NaiveContent | null
}

const content = `(SELECT jsonb_build_object('gen', c.gen, 'status', c.status, 'url', c.url,
    'blobs', coalesce((SELECT jsonb_object_agg(b.role, b.sha256) FROM item_blob b WHERE b.item = c.item), '{}'),
    'blobsGen', coalesce((SELECT max(b.gen) FROM item_blob b WHERE b.item = c.item), 0))
  FROM item_content c WHERE c.item = i.id) AS content`

/** All items, by id, with words instead of numbers. */
export const storedItems = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const words = (table: string, column: string) =>
    `ARRAY(SELECT w.name FROM ${table} w WHERE w.id = ANY (s.${column}) ORDER BY w.name COLLATE "C")`
  return yield* sql.unsafe<StoredItem>(
    `SELECT i.id, o.name AS owner, i.parent, i.type, i.name, s.path, s.deleted_with AS "deletedWith",
       ${words("tree_tag", "own_tags")} AS own, ${words("tree_tag", "eff_tags")} AS eff,
       ${words("tree_user", "viewers")} AS viewers, ${content}
     FROM item i JOIN item_state s ON s.id = i.id JOIN tree_user o ON o.id = i.owner ORDER BY i.id`
  )
})

/** All counts as `viewer|owner|tag`; viewer 0 is `*`. */
export const storedCounts = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe<{ place: string; n: bigint }>(
    `SELECT coalesce(v.name, '*') || '|' || o.name || '|' || t.name AS place, c.n
     FROM viewer_tag c LEFT JOIN tree_user v ON v.id = c.viewer JOIN tree_user o ON o.id = c.owner
       JOIN tree_tag t ON t.id = c.tag`
  )
  return new Map(rows.map(({ place, n }) => [place, Number(n)]))
})

/** What was asked for, by owner and in order, and what it came to. */
export const storedOperations = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe<{ owner: string; seq: bigint; command: string; kind: string; result: string }>(
    `SELECT u.name AS owner, o.seq, o.command, o.kind, o.result
     FROM tree_operation o JOIN tree_user u ON u.id = o.owner ORDER BY u.name, o.seq`
  )
  return rows.map((row) => ({ ...row, seq: Number(row.seq) }))
})

const sorted = (words: Iterable<string>) => [...words].sort()

/** The items of a naive tree in the same shape, but for the path. */
export const itemsOf = (tree: NaiveTree) =>
  [...tree.items.values()]
    .map((item) => ({
      id: item.id,
      owner: item.owner,
      parent: item.parent,
      type: item.type,
      name: item.name,
      own: sorted(item.own),
      eff: sorted(tree.tagsOf(item.id)),
      viewers: sorted(item.viewers),
      deletedWith: item.deletedWith,
      content: item.content
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))

/** The counts that items call for, whichever way they came to be what they are. */
export const countsOf = (
  items: ReadonlyArray<Omit<StoredItem, "path">>,
  publicOwners: ReadonlySet<string>
): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const { owner, viewers, eff, deletedWith } of items) {
    if (deletedWith !== null) continue
    for (const viewer of [owner, ...viewers, ...(publicOwners.has(owner) ? ["*"] : [])]) {
      for (const tag of eff) {
        const place = `${viewer}|${owner}|${tag}`
        counts.set(place, (counts.get(place) ?? 0) + 1)
      }
    }
  }
  return counts
}

/** Without paths, whose numbers say in which order siblings were made. */
export const unplaced = (items: ReadonlyArray<StoredItem>) =>
  items.map(({ id, owner, parent, type, name, own, eff, viewers, deletedWith, content: shown }) => ({
    id,
    owner,
    parent,
    type,
    name,
    own,
    eff,
    viewers,
    deletedWith,
    content: shown
  }))
