/** What a command knows when its turn has come: whose tree it is, who asks, and the items it names. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { TreeRefused } from "../../domain/tree/TreeOutcome.ts"
import type { FollowUp } from "../../domain/tree/TreeOutcome.ts"

/** One command's turn, within its transaction. */
export interface Turn {
  readonly owner: number
  readonly isPublic: boolean
  /** The command's place among the owner's. */
  readonly seq: number
  /** The task's id. */
  readonly command: string
  /** Number of the user who asks. */
  readonly by: number
  /** Whether that is the owner or an admin. */
  readonly mayChange: boolean
  readonly isAdmin: boolean
  /** The event from which the command descends, where there is one. */
  readonly flow: string | null
  readonly users: ReadonlyMap<string, number>
  readonly tags: ReadonlyMap<string, number>
  readonly progress: (value: unknown) => Effect.Effect<void>
}

/** How many items a command changed, and what has to be done about their content. */
export interface Change {
  readonly changed: number
  readonly next: ReadonlyArray<FollowUp>
}

/** An item as a command finds it. */
export interface FoundItem {
  readonly id: string
  readonly parent: string | null
  readonly slot: bigint
  readonly path: string
  readonly type: string
  readonly own_tags: ReadonlyArray<number>
  readonly eff_tags: ReadonlyArray<number>
  readonly viewers: ReadonlyArray<number>
  readonly deleted_with: string | null
}

export const refuse = (reason: TreeRefused["reason"], detail: string) =>
  Effect.fail(new TreeRefused({ reason, detail }))

const noItem = (id: string) => refuse("NotFound", `there is no item ${id}`)

/** The item a command is about, deleted or not, once the caller may change it; what is not seen is not found. */
export const findOwn = Effect.fnUntraced(function* (turn: Turn, id: string) {
  const sql = yield* SqlClient.SqlClient
  const [item] = yield* sql.unsafe<FoundItem>(
    `SELECT i.id, i.parent, i.slot, s.path, i.type, s.own_tags, s.eff_tags, s.viewers, s.deleted_with
     FROM item i JOIN item_state s ON s.id = i.id WHERE i.id = $1::uuid AND i.owner = $2`,
    [id, turn.owner]
  )
  if (item === undefined) return yield* noItem(id)
  if (turn.mayChange) return item
  const isSeen = item.deleted_with === null && (turn.isPublic || item.viewers.includes(turn.by))
  return yield* isSeen ? refuse("NotOwner", `${id} belongs to somebody else`) : noItem(id)
})

/** The same for an item that must not be deleted. */
export const findLive = Effect.fnUntraced(function* (turn: Turn, id: string) {
  const item = yield* findOwn(turn, id)
  return item.deleted_with === null ? item : yield* refuse("Deleted", `${id} is deleted`)
})

/** The collection that something is to be put into; null stands for the top of the tree. */
export const findParent = Effect.fnUntraced(function* (turn: Turn, id: string | null) {
  if (id === null) {
    return turn.mayChange ? null : yield* refuse("NotOwner", "the tree belongs to somebody else")
  }
  const parent = yield* findLive(turn, id)
  return parent.type === "collection" ? parent : yield* refuse("NotACollection", `${id} is no collection`)
})

/** An item of anybody's tree that the caller sees; what is not seen is not found. */
export const findSeen = Effect.fnUntraced(function* (turn: Turn, id: string) {
  const sql = yield* SqlClient.SqlClient
  const [item] = yield* sql.unsafe<FoundItem & { readonly owner: number }>(
    `SELECT i.id, i.owner, i.parent, i.slot, s.path, i.type, s.own_tags, s.eff_tags, s.viewers, s.deleted_with
     FROM item i JOIN item_state s ON s.id = i.id JOIN tree_owner o ON o.owner = i.owner
     WHERE i.id = $1::uuid AND s.deleted_with IS NULL
       AND ($2::boolean OR o.is_public OR i.owner = $3 OR $3 = ANY (s.viewers))`,
    [id, turn.isAdmin, turn.by]
  )
  return item ?? (yield* noItem(id))
})

/** The items of `left` that `right` lacks. */
export const without = <A>(left: ReadonlyArray<A>, right: ReadonlyArray<A>): ReadonlyArray<A> => {
  const lacking = new Set(right)
  return left.filter((one) => !lacking.has(one))
}
