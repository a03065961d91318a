/**
 * Fetches the content of an item from an address that somebody gave, with the
 * guards that such addresses need: it streams into the store, is held there for
 * the task that will show it, and the tree is told. What cannot be had for good
 * is told to the tree too; what may be had later is tried again.
 */
import { Effect, Stream } from "effect"
import { done, fail, retry } from "../../domain/Outcome.ts"
import type { Outcome } from "../../domain/Outcome.ts"
import { outputIdOf, taskIdOf } from "../../domain/ids.ts"
import type { CommandOf } from "../../domain/tree/TreeCommand.ts"
import type { TaskContext } from "../../runtime/TaskContext.ts"
import { Blobs } from "../../services/blobs/Blobs.ts"
import { LargestContent } from "../../services/content/limits.ts"
import { mediaTypeOf } from "../../services/content/mediaType.ts"
import { keepHeld } from "../../services/content/references.ts"
import { SafeFetch } from "../../services/web/SafeFetch.ts"
import type { contentCommands } from "../../topics/contentCommands.ts"
import * as Topic from "../../topics/Topic.ts"
import { treeCommands } from "../../topics/treeCommands.ts"
import { explainBlobs } from "../blobOutcome.ts"

type Wanted = Extract<Topic.ValueOf<typeof contentCommands>, { kind: "fetch" }>

/** Tells the tree, and ends the task. */
const tell = ({ owner, item, gen }: Wanted, content: CommandOf<"fetched">["content"]): Effect.Effect<Outcome> =>
  Effect.map(
    Topic.output(treeCommands, owner, { by: owner, admin: false, command: { kind: "fetched", item, gen, content } }),
    (output) =>
      content.kind === "failed"
        ? fail(`${content.reason}: ${content.message}`, content, [output])
        : done(content, [output])
  )

/** The task that will be told: that of the only record this one hands on. */
const toldTask = (task: TaskContext): string => taskIdOf("tree", outputIdOf(task.id, 0))

/** Answers of servers that may be others later. */
const passing = new Set([408, 425, 429, 500, 502, 503, 504])

const nameIn = (url: string): string => URL.parse(url)?.pathname.split("/").at(-1) ?? ""

/** Bytes that are read between two words about how far it is. */
const progressEvery = 1 << 24

export const fetchContent = Effect.fn("content.fetch")(function* (wanted: Wanted, task: TaskContext) {
  const web = yield* SafeFetch
  const blobs = yield* Blobs
  const limit = yield* LargestContent
  const fetching = Effect.gen(function* () {
    const answer = yield* web.open(wanted.url, { maxBytes: limit })
    if (passing.has(answer.status)) return retry(`the server answered ${answer.status}`)
    if (answer.status !== 200)
      return yield* tell(wanted, {
        kind: "failed",
        reason: "Refused",
        message: `the server answered ${answer.status}`
      })
    let read = 0
    const body = Stream.tap(answer.body, (chunk) => {
      const before = Math.floor(read / progressEvery)
      read += chunk.length
      return Math.floor(read / progressEvery) > before ? task.progress({ bytes: read }) : Effect.void
    })
    const declared = Number(answer.headers["content-length"] ?? 0)
    const staged = yield* blobs.stage(body, { expected: Number.isSafeInteger(declared) ? declared : 0 })
    const type = mediaTypeOf(staged.head, nameIn(answer.url))
    const { sha256, size } = yield* keepHeld(staged, type, toldTask(task))
    return yield* tell(wanted, { kind: "stored", sha256, size, type })
  })
  return yield* Effect.scoped(fetching).pipe(
    Effect.catchTag("SafeFetchError", (error): Effect.Effect<Outcome> =>
      error.isRetryable
        ? Effect.succeed(retry(error.message))
        : tell(wanted, { kind: "failed", reason: error.reason._tag, message: error.message.slice(0, 1_000) })
    ),
    Effect.catchTag("BlobError", explainBlobs)
  )
})
