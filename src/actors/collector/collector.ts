/**
 * Reads a user's source from where the last reading ended and hands on what is
 * new. Cursor and memory are state of the user: they change with the hand-over,
 * in one transaction, or not at all; so a crash neither loses nor repeats a post.
 */
import { Clock, Effect } from "effect"
import { BlobError } from "../../services/blobs/BlobError.ts"
import { Blobs } from "../../services/blobs/Blobs.ts"
import { done } from "../../domain/Outcome.ts"
import type { Output } from "../../domain/Outcome.ts"
import { sourceKeyOf } from "../../domain/Post.ts"
import type { PostImage } from "../../domain/Post.ts"
import * as Actor from "../../runtime/Actor.ts"
import type { TaskContext } from "../../runtime/TaskContext.ts"
import { TelegramError } from "../../services/telegram/TelegramError.ts"
import { postsCollected } from "../../topics/postsCollected.ts"
import { sourcesDue } from "../../topics/sourcesDue.ts"
import type { SourceDue } from "../../topics/sourcesDue.ts"
import * as Topic from "../../topics/Topic.ts"
import { explainBlobs } from "../blobOutcome.ts"
import { explainTelegram } from "../telegramOutcome.ts"
import type { Cursor, FoundImage, FoundPost } from "./Found.ts"
import { judge, stillKnown } from "./judgement.ts"
import type { Remembered } from "./judgement.ts"
import { newPosts } from "./newPosts.ts"

interface Dropped {
  readonly post: string
  readonly why: string
  readonly reason: string
}

/** How often a picture is asked for again before its post goes without it. */
const pictureRetries = 2

/** Waits that Telegram asks for are kept; whatever else fails is tried again here. */
const isWorthAnother = (error: unknown): boolean =>
  !(error instanceof TelegramError && error.waitSeconds !== undefined) &&
  (error as { readonly isRetryable?: boolean }).isRetryable === true

const isFlood = (error: unknown): boolean => error instanceof TelegramError && error.waitSeconds !== undefined

/**
 * Pictures into the blob store. One that cannot be had is left out: the post is
 * worth more than its picture. A flood wait or a full disk stops the reading.
 */
const keepImages = (post: FoundPost, task: TaskContext) =>
  Effect.gen(function* () {
    const blobs = yield* Blobs
    const keep = (image: FoundImage) =>
      Effect.gen(function* () {
        const bytes = yield* image.bytes.pipe(
          Effect.retry({ times: pictureRetries, while: isWorthAnother }),
          Effect.catchIf(
            (error) => !isFlood(error),
            (error) => Effect.as(task.log(`a picture of post ${post.id} was left out: ${String(error)}`), null)
          )
        )
        if (bytes === null) return []
        const { sha256 } = yield* blobs.put(bytes)
        return [{ sha256, mime: image.mime } satisfies PostImage]
      })
    return (yield* Effect.forEach(post.images, keep)).flat()
  })

const collect = Effect.fn("collector")(function* (due: SourceDue, task: TaskContext) {
  const now = yield* Clock.currentTimeMillis
  const key = sourceKeyOf(due.source)
  const cursor = (yield* task.getState<Cursor>(`cursor:${key}`)) ?? {}
  const known = [...stillKnown((yield* task.getState<ReadonlyArray<Remembered>>("seen")) ?? [], now)]
  const found = yield* newPosts(due.source, cursor, due.backfill ?? 0, now)
  const outputs: Array<Output> = []
  const dropped: Array<Dropped> = []
  for (const [index, post] of found.posts.entries()) {
    const id = `${key}/${post.id}`
    if (post.refused !== null) {
      dropped.push({ post: id, why: "refused", reason: post.refused })
      continue
    }
    const verdict = judge({ id, text: post.text, mediaIds: post.images.map((image) => image.id) }, known, now)
    if (verdict.kind !== "new") {
      dropped.push({ post: id, why: verdict.kind, reason: verdict.reason })
      continue
    }
    known.push(verdict.memory)
    const images = yield* keepImages(post, task)
    const { title, url, publishedAt, text, spans } = post
    const value = {
      post: { id, source: key, title, url, publishedAt, text, spans, images },
      assignment: due.assignment
    }
    // The post's own id: found again by another reading, it is dropped as known.
    outputs.push(yield* Topic.output(postsCollected, task.user, value, { id: `post:${task.user}:${id}` }))
    yield* task.progress({ read: index + 1, of: found.posts.length })
  }
  yield* task.setState(`cursor:${key}`, found.cursor)
  yield* task.setState("seen", stillKnown(known, now))
  return done({ source: key, collected: outputs.length, dropped }, outputs)
})

/** Floods wait without counting, a source that is gone ends the task, the rest says itself whether it may be retried. */
const explain = (error: unknown) => {
  if (error instanceof TelegramError) return explainTelegram(error)
  return error instanceof BlobError ? explainBlobs(error) : Effect.fail(error)
}

export const makeCollector = (off: string | null) =>
  Actor.make({
    name: "collector",
    topic: sourcesDue,
    handler: (due: SourceDue, task) => Effect.catch(collect(due, task), explain),
    retry: { attempts: 5, backoffMs: 2_000, capMs: 120_000 },
    timeoutMs: 300_000,
    concurrency: 20,
    priority: "medium",
    off
  })
