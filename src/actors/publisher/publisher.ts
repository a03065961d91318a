/**
 * Posts to Telegram, once. The random ids are made of the task's id, so that
 * every repeat, after a lost answer, a crash or a change of owner, names the
 * same message and Telegram drops it. A flood wait is a delay, not an attempt.
 */
import { Effect, Stream } from "effect"
import { done } from "../../domain/Outcome.ts"
import type { PostImage } from "../../domain/Post.ts"
import * as Actor from "../../runtime/Actor.ts"
import type { TaskContext } from "../../runtime/TaskContext.ts"
import { Blobs } from "../../services/blobs/Blobs.ts"
import type { BlobError } from "../../services/blobs/BlobError.ts"
import type { ImageError } from "../../services/images/ImageError.ts"
import { Images } from "../../services/images/Images.ts"
import { randomIdOf } from "../../services/telegram/randomId.ts"
import type { TelegramError } from "../../services/telegram/TelegramError.ts"
import { TelegramGateway } from "../../services/telegram/TelegramGateway.ts"
import type { SendResult, StoredPhoto, TelegramPeer } from "../../services/telegram/TelegramMessage.ts"
import { postsReady } from "../../topics/postsReady.ts"
import type * as Topic from "../../topics/Topic.ts"
import { explainTelegram } from "../telegramOutcome.ts"
import { messageOf } from "./message.ts"

interface Sent {
  readonly messageIds: ReadonlyArray<number>
  readonly duplicate: boolean
  readonly post: string
  readonly pictures: number
}

type Ready = Topic.ValueOf<typeof postsReady>

/** Telegram takes two to ten pictures in an album. */
const largestAlbum = 10

/** A picture that Telegram took, or null for one it does not take: then the post goes without it. */
const upload = (peer: TelegramPeer, image: PostImage, task: TaskContext) =>
  Effect.gen(function* () {
    const gateway = yield* TelegramGateway
    const blobs = yield* Blobs
    const images = yield* Images
    const bytes = Buffer.concat(yield* Stream.runCollect(blobs.get(image.sha256)))
    const fit = yield* images.normalise(bytes)
    return yield* gateway.uploadPhoto(
      peer,
      fit.bytes,
      `${image.sha256.slice(0, 12)}.${fit.format === "png" ? "png" : "jpg"}`
    )
  }).pipe(
    Effect.catchTag("TelegramError", (error) =>
      error.reason._tag === "MediaRejected"
        ? Effect.as(task.log(`a picture was left out: ${error.message}`), null)
        : Effect.fail(error)
    ),
    // A picture that is gone, or is none, does not hold up its post; a disk that fails is tried again.
    Effect.catchTag(["ImageError", "BlobError"], (error) =>
      error.isRetryable ? Effect.fail(error) : Effect.as(task.log(`a picture was left out: ${error.message}`), null)
    )
  )

const send = (peer: TelegramPeer, { post, assignment }: Ready, photos: ReadonlyArray<StoredPhoto>, task: TaskContext) =>
  Effect.gen(function* () {
    const gateway = yield* TelegramGateway
    const limits = yield* gateway.limits
    const idOf = (item: number) => randomIdOf(task.id, assignment.target, 0, item)
    if (photos.length === 0) {
      const { text, entities } = messageOf(post, limits.messageLengthMax)
      return yield* gateway.sendText(peer, { randomId: idOf(0), text, entities, linkPreview: false })
    }
    const { text: caption, entities } = messageOf(post, limits.captionLengthMax)
    if (photos.length === 1) {
      return yield* gateway.sendPhoto(peer, { randomId: idOf(0), photo: photos[0]!, caption, entities })
    }
    return yield* gateway.sendAlbum(
      peer,
      photos.map((photo, item) => ({ randomId: idOf(item), photo, ...(item === 0 ? { caption, entities } : {}) }))
    )
  })

/** How often photos whose references are too old are uploaded again. */
const mostRounds = 2

/** Uploads and posts; each step once, also where the task is repeated. */
const sendTo = (
  peer: TelegramPeer,
  ready: Ready,
  task: TaskContext,
  round: number
): Effect.Effect<Sent, TelegramError | BlobError | ImageError, TelegramGateway | Blobs | Images> =>
  Effect.gen(function* () {
    const photos: Array<StoredPhoto> = []
    for (const [index, image] of ready.post.images.slice(0, largestAlbum).entries()) {
      const name = round === 0 ? `upload ${index}` : `upload ${index}, again`
      const photo = yield* task.step(name, upload(peer, image, task))
      if (photo !== null) photos.push(photo)
    }
    const { messageIds, duplicate }: SendResult = yield* task.step("send", send(peer, ready, photos, task))
    return { messageIds, duplicate, post: ready.post.id, pictures: photos.length }
  }).pipe(
    // What was uploaded long before it could be posted is uploaded anew.
    Effect.catchTag("TelegramError", (error) =>
      error.reason._tag === "FileReferenceExpired" && round + 1 < mostRounds
        ? sendTo(peer, ready, task, round + 1)
        : Effect.fail(error)
    )
  )

const publish = Effect.fn("publisher")(function* (ready: Ready, task: TaskContext) {
  const gateway = yield* TelegramGateway
  const { target } = ready.assignment
  const known = yield* task.getState<TelegramPeer>(`peer:${target}`)
  const to = (peer: TelegramPeer) => sendTo(peer, ready, task, 0)
  const sent =
    known === undefined
      ? undefined
      : yield* to(known).pipe(
          // A stored access hash may be stale: the name is asked for again, once.
          Effect.catchTag("TelegramError", (error) =>
            error.reason._tag === "SourceGone" && error.reason.resolveAgain
              ? Effect.succeed(undefined)
              : Effect.fail(error)
          )
        )
  if (sent !== undefined) return done({ target, ...sent })
  const peer = yield* gateway.resolve(target)
  yield* task.setState(`peer:${target}`, peer)
  return done({ target, ...(yield* to(peer)) })
})

export const makePublisher = (off: string | null) =>
  Actor.make({
    name: "publisher",
    topic: postsReady,
    handler: (value: Ready, task) => Effect.catchTag(publish(value, task), "TelegramError", explainTelegram),
    retry: { attempts: 6, backoffMs: 1_000, capMs: 60_000 },
    timeoutMs: 180_000,
    concurrency: 10,
    priority: "high",
    off
  })
