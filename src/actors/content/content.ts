/**
 * Files of items: fetched from the web, swept when nobody refers to them any
 * more, verified. Items are independent of each other here: the key is the item,
 * and the store as a whole has one of its own.
 */
import { Effect } from "effect"
import { done, fail } from "../../domain/Outcome.ts"
import type { Outcome } from "../../domain/Outcome.ts"
import * as Actor from "../../runtime/Actor.ts"
import type { TaskContext } from "../../runtime/TaskContext.ts"
import { sweep } from "../../services/content/sweep.ts"
import { verify } from "../../services/content/verify.ts"
import { contentCommands } from "../../topics/contentCommands.ts"
import type * as Topic from "../../topics/Topic.ts"
import { explainBlobs } from "../blobOutcome.ts"
import { fetchContent } from "./fetch.ts"
import { purgeDeleted } from "./purgeDeleted.ts"

const verified = Effect.fnUntraced(function* (sample: number | null, task: TaskContext) {
  const found = yield* verify(sample, (checked) => task.progress({ checked }))
  const bad = found.missing.length + found.damaged.length
  return bad === 0 ? done(found) : fail(`${bad} of ${found.checked} files are missing or damaged`, found)
})

const handle = (command: Topic.ValueOf<typeof contentCommands>, task: TaskContext) => {
  switch (command.kind) {
    case "fetch":
      return fetchContent(command, task)
    case "sweep":
      return sweep({ orphans: command.orphans ?? false }).pipe(
        Effect.map((swept): Outcome => done(swept)),
        Effect.catchTag("BlobError", explainBlobs)
      )
    case "purgeDeleted":
      return purgeDeleted()
    case "verify":
      return verified(command.sample ?? null, task).pipe(Effect.catchTag("BlobError", explainBlobs))
  }
}

export const makeContent = (off: string | null) =>
  Actor.make({
    name: "content",
    topic: contentCommands,
    handler: handle,
    retry: { attempts: 6, backoffMs: 2_000, capMs: 120_000 },
    // 2,500 MiB at 1 MiB/s.
    timeoutMs: 45 * 60_000,
    concurrency: 8,
    priority: "medium",
    off
  })
