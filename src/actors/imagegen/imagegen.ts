/**
 * Draws a picture for a post that has none. Every post passes here, also those
 * that need nothing, because a post that took a shorter way would overtake the
 * ones before it. A picture that cannot be had does not hold up its post: what
 * is refused, unpaid for or fails three times is done without; only a rate limit
 * is waited for.
 */
import { Effect } from "effect"
import { done } from "../../domain/Outcome.ts"
import type { PostImage } from "../../domain/Post.ts"
import * as Actor from "../../runtime/Actor.ts"
import type { TaskContext } from "../../runtime/TaskContext.ts"
import { Ai } from "../../services/ai/Ai.ts"
import type { AiError } from "../../services/ai/AiError.ts"
import { Blobs } from "../../services/blobs/Blobs.ts"
import type { ImageError } from "../../services/images/ImageError.ts"
import { Images } from "../../services/images/Images.ts"
import { imagesRequested } from "../../topics/imagesRequested.ts"
import { postsReady } from "../../topics/postsReady.ts"
import * as Topic from "../../topics/Topic.ts"
import { explainAi } from "../aiOutcome.ts"
import { explainBlobs } from "../blobOutcome.ts"

const size = "1024x1024"

/** Draws, makes it fit for sending, and keeps it. */
const draw = (prompt: string, user: string) =>
  Effect.gen(function* () {
    const ai = yield* Ai
    const images = yield* Images
    const blobs = yield* Blobs
    const drawn = yield* ai.image({ prompt, size, user })
    const fit = yield* images.normalise(drawn.bytes)
    const { sha256 } = yield* blobs.put(fit.bytes)
    return { sha256, mime: `image/${fit.format}` } satisfies PostImage
  })

const soften = (prompt: string): string =>
  `A calm, abstract illustration without people or lettering, in the mood of this subject: ${prompt.slice(0, 200)}`

/** After so many attempts a post goes without its picture. */
const mostAttempts = 3

const isWorthWaiting = (error: AiError | ImageError, attempt: number): boolean =>
  (error._tag === "AiError" && error.reason._tag === "RateLimited") || (error.isRetryable && attempt < mostAttempts)

/** A prompt that a filter stopped is softened once; stopped again, the post goes without a picture. */
const drawOrGoWithout = (prompt: string, task: TaskContext) => {
  const withoutPicture = (error: AiError | ImageError) =>
    isWorthWaiting(error, task.attempt)
      ? Effect.fail(error)
      : Effect.as(task.log(`the post goes without a picture: ${error.message}`), null)
  return draw(prompt, task.user).pipe(
    Effect.catchTag("AiError", (error) =>
      error.reason._tag === "PolicyBlocked" ? draw(soften(prompt), task.user) : Effect.fail(error)
    ),
    Effect.catchTag(["AiError", "ImageError"], withoutPicture)
  )
}

type Requested = Topic.ValueOf<typeof imagesRequested>

const illustrate = Effect.fn("imagegen")(function* ({ post, assignment, prompt }: Requested, task: TaskContext) {
  const drawn = prompt === null ? null : yield* task.step("draw", drawOrGoWithout(prompt, task))
  const images = drawn === null ? post.images : [...post.images, drawn]
  const output = yield* Topic.output(postsReady, task.user, { post: { ...post, images }, assignment })
  return done({ drawn: drawn === null ? null : drawn.sha256, images: images.length }, [output])
})

export const makeImagegen = (off: string | null) =>
  Actor.make({
    name: "imagegen",
    topic: imagesRequested,
    handler: (value: Requested, task) =>
      Effect.catchTags(illustrate(value, task), { AiError: explainAi, BlobError: explainBlobs }),
    retry: { attempts: 4, backoffMs: 3_000, capMs: 120_000 },
    timeoutMs: 240_000,
    concurrency: 8,
    priority: "low",
    off
  })
