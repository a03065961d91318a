/**
 * Posts to Telegram, once. The random ids are made of the task's id, so that
 * every repeat, after a lost answer, a crash or a change of owner, names the
 * same message and Telegram drops it. A flood wait is a delay, not an attempt.
 */
import { Clock, Effect, Stream } from "effect"
import { delay, done, fail } from "../../domain/Outcome.ts"
import type { PostImage } from "../../domain/Post.ts"
import * as Actor from "../../runtime/Actor.ts"
import type { TaskContext } from "../../runtime/TaskContext.ts"
import { Blobs } from "../../services/blobs/Blobs.ts"
import { Images } from "../../services/images/Images.ts"
import { randomIdOf } from "../../services/telegram/randomId.ts"
import type { TelegramError } from "../../services/telegram/TelegramError.ts"
import { TelegramGateway } from "../../services/telegram/TelegramGateway.ts"
import type { SendResult, StoredPhoto, TelegramPeer } from "../../services/telegram/TelegramMessage.ts"
import { postsReady } from "../../topics/postsReady.ts"
import type * as Topic from "../../topics/Topic.ts"
import { messageOf } from "./message.ts"

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
    return yield* gateway.uploadPhoto(peer, fit.bytes, `${image.sha256.slice(0, 12)}.${fit.format === "png" ? "png" : "jpg"}`)
  }).pipe(
    Effect.catchTag("TelegramError", (error) =>
      error.reason._tag === "MediaRejected"
        ? Effect.as(task.log(`a picture was left out: ${error.message}`), null)
        : Effect.fail(error)
    ),
    Effect.catchTag("ImageError", (error) => Effect.as(task.log(`a picture was left out: ${error.message}`), null))
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

const publish = Effect.fn("publisher")(function* (ready: Ready, task: TaskContext) {
  const gateway = yield* TelegramGateway
  const { target } = ready.assignment
  const known = yield* task.getState<TelegramPeer>(`peer:${target}`)
  const peer = known ?? (yield* gateway.resolve(target))
  if (known === undefined) yield* task.setState(`peer:${target}`, peer)
  const photos: Array<StoredPhoto> = []
  for (const [index, image] of ready.post.images.slice(0, largestAlbum).entries()) {
    const photo = yield* task.step(`upload ${index}`, upload(peer, image, task))
    if (photo !== null) photos.push(photo)
  }
  const { messageIds, duplicate }: SendResult = yield* task.step("send", send(peer, ready, photos, task))
  return done({ target, messageIds, duplicate, post: ready.post.id, pictures: photos.length })
})

const explain = (error: TelegramError) =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    if (error.waitSeconds !== undefined) return delay(error.message, now + (error.waitSeconds + 1) * 1000)
    if (!error.isRetryable) return fail(error.message)
    return yield* error
  })

export const makePublisher = (off: string | null) =>
  Actor.make({
    name: "publisher",
    topic: postsReady,
    handler: (value: Ready, task) => Effect.catchTag(publish(value, task), "TelegramError", explain),
    retry: { attempts: 6, backoffMs: 1_000, capMs: 60_000 },
    timeoutMs: 180_000,
    concurrency: 10,
    priority: "high",
    off
  })
