/** What the converter made of an item's content. */
import { Effect } from "effect"
import type { CommandOf } from "../../domain/tree/TreeCommand.ts"
import { findOwn } from "./Turn.ts"
import type { Turn } from "./Turn.ts"

/** Items have no content yet, so what is said of one comes too late and changes nothing. */
export const attach = Effect.fnUntraced(function* (turn: Turn, command: CommandOf<"attach">) {
  yield* findOwn(turn, command.item)
  return 0
})
