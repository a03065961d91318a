/**
 * Applies what is asked of a tree of items, one command of an owner after the
 * other. A command that is refused has failed, and says why; that is no reason
 * to try it again.
 */
import { Effect } from "effect"
import { done, fail } from "../../domain/Outcome.ts"
import { isWholeOwner } from "../../domain/tree/Name.ts"
import type { TreeCommand } from "../../domain/tree/TreeCommand.ts"
import * as Actor from "../../runtime/Actor.ts"
import type { TaskContext } from "../../runtime/TaskContext.ts"
import { treeCommands } from "../../topics/treeCommands.ts"
import { applyCommand } from "./apply.ts"

const handle = Effect.fn("tree")(function* (value: TreeCommand, task: TaskContext) {
  if (!isWholeOwner(task.user)) return fail("the record's key does not name an owner")
  const { id, user, partition, epoch, progress } = task
  const outcome = yield* applyCommand({ task: id, owner: user, partition, epoch, progress }, value)
  return outcome.outcome === "applied" ? done(outcome) : fail(`${outcome.reason}: ${outcome.detail}`, outcome)
})

export const makeTree = (off: string | null) =>
  Actor.make({
    name: "tree",
    topic: treeCommands,
    handler: handle,
    // What goes wrong here is the database, which comes back; a command that is given up is one its owner misses.
    retry: { attempts: 20, backoffMs: 200, capMs: 30_000 },
    timeoutMs: 300_000,
    concurrency: 8,
    priority: "high",
    off
  })
