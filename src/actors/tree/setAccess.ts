/** Who sees an item, and at the wish of the caller what stands above and below it. The owner sees everything anyway. */
import { Effect } from "effect"
import type { CommandOf } from "../../domain/tree/TreeCommand.ts"
import { ancestorsLost, changeViewers } from "./branchViewers.ts"
import { measureBranch } from "./branchTags.ts"
import { ancestorsOf } from "../../domain/tree/Path.ts"
import { findLive, without } from "./Turn.ts"
import type { FoundItem, Turn } from "./Turn.ts"

/** Whom the command grants and revokes; of `set`, that is what differs from before. */
const wishOf = (turn: Turn, item: FoundItem, command: CommandOf<"setAccess">) => {
  const numbers = (names: ReadonlyArray<string> = []) =>
    [...new Set(names.map((name) => turn.users.get(name)!))].filter((viewer) => viewer !== turn.owner)
  const set = command.set === undefined ? null : numbers(command.set)
  const grant = [...new Set([...(set === null ? [] : without(set, item.viewers)), ...numbers(command.grant)])]
  const revoke = [...new Set([...(set === null ? [] : without(item.viewers, set)), ...numbers(command.revoke)])]
  const add = without(grant, revoke)
  const after = without([...new Set([...item.viewers, ...add])], revoke)
  return { add, remove: revoke, after }
}

/** The ancestors: granted to all, revoked where nothing below is left that the user sees. */
const changeAncestors = Effect.fnUntraced(function* (
  turn: Turn,
  item: FoundItem,
  { add, remove }: { readonly add: ReadonlyArray<number>; readonly remove: ReadonlyArray<number> }
) {
  let changed = 0
  if (add.length > 0) {
    changed += yield* changeViewers(turn, { paths: ancestorsOf(item.path) }, { add, remove: [] })
  }
  for (const [viewer, paths] of yield* ancestorsLost(turn, item, remove)) {
    changed += yield* changeViewers(turn, { paths }, { add: [], remove: [viewer] })
  }
  return changed
})

/** Changes who sees an item; answers how many items changed. */
export const setAccess = Effect.fnUntraced(function* (turn: Turn, command: CommandOf<"setAccess">) {
  const item = yield* findLive(turn, command.item)
  const { add, remove, after } = wishOf(turn, item, command)
  if (command.children !== undefined) yield* measureBranch(turn, item.path)
  const changed =
    command.children === undefined
      ? yield* changeViewers(turn, { paths: [item.path] }, { set: after })
      : yield* changeViewers(
          turn,
          { branch: item.path },
          command.children === "delta" ? { add, remove } : { set: after }
        )
  return changed + (command.parents === true ? yield* changeAncestors(turn, item, { add, remove }) : 0)
})
