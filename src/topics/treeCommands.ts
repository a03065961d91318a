/** A change of a tree of items: of its items, their tags, or who sees them. */
import { TreeCommand } from "../domain/tree/TreeCommand.ts"
import * as Topic from "./Topic.ts"

export const treeCommands = Topic.make({
  name: "tree.commands",
  type: "tree.command",
  description: "A change of a tree of items: of its items, their tags, or who sees them. Key: owner.",
  value: TreeCommand,
  retention: "30 days"
})
