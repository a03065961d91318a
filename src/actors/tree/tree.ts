/**
 * Applies what is asked of a tree of items, one command of an owner after the
 * other. A command that is refused has failed, and says why; that is no reason
 * to try it again.
 */
import { Effect } from "effect"
import { done, fail } from "../../domain/Outcome.ts"
import { isWholeOwner } from "../../domain/tree/Name.ts"
import type { TreeCommand } from "../../domain/tree/TreeCommand.ts"
import type { FollowUp } from "../../domain/tree/TreeOutcome.ts"
import * as Actor from "../../runtime/Actor.ts"
import type { TaskContext } from "../../runtime/TaskContext.ts"
import { contentCommands } from "../../topics/contentCommands.ts"
import { mediaUploaded } from "../../topics/mediaUploaded.ts"
import * as Topic from "../../topics/Topic.ts"
import { treeCommands } from "../../topics/treeCommands.ts"
import { applyCommand } from "./apply.ts"

/** What has to be done about content goes to those who do it; what comes of it comes back as a command. */
const outputOf = (owner: string, followUp: FollowUp) => {
  if (followUp.kind === "fetch") return Topic.output(contentCommands, followUp.item, { ...followUp, owner })
  const { sha256, name, item: id, gen } = followUp
  return Topic.output(mediaUploaded, owner, { sha256, name, item: { id, gen } })
}

const handle = Effect.fn("tree")(function* (value: TreeCommand, task: TaskContext) {
  if (!isWholeOwner(task.user)) return fail("the record's key does not name an owner")
  const { id, user, partition, epoch, flow, progress } = task
  const outcome = yield* applyCommand({ task: id, owner: user, partition, epoch, flow, progress }, value)
  if (outcome.outcome === "refused") return fail(`${outcome.reason}: ${outcome.detail}`, outcome)
  const { next = [], ...result } = outcome
  return done(result, yield* Effect.forEach(next, (followUp) => outputOf(user, followUp)))
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
