/**
 * Makes preview and thumbnail of pictures, in child processes that a bad file
 * cannot take us down with. Bytes that were converted before are not converted
 * again, nor are they by two tasks at once. What kills the decoder is tried
 * again alone, in a new process, and then refused until somebody asks for
 * another try. Uploads and what is made anew have queues of their own.
 */
import { Clock, Effect } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { Locks } from "../../database/Locks.ts"
import { delay, done, fail, retry } from "../../domain/Outcome.ts"
import type { Outcome } from "../../domain/Outcome.ts"
import { isWholeOwner } from "../../domain/tree/Name.ts"
import * as Actor from "../../runtime/Actor.ts"
import type { TaskContext } from "../../runtime/TaskContext.ts"
import type { Urgency } from "../../services/images/Admission.ts"
import { Blobs } from "../../services/blobs/Blobs.ts"
import type { BlobError } from "../../services/blobs/BlobError.ts"
import { convertBlob } from "../../services/images/convertBlob.ts"
import type { ConvertedBlob } from "../../services/images/convertBlob.ts"
import type { ImageError } from "../../services/images/ImageError.ts"
import type { Images } from "../../services/images/Images.ts"
import { currentRecipe, recipeId } from "../../services/images/Recipe.ts"
import { WorkFolder } from "../../services/images/WorkFolder.ts"
import { mediaBackfill } from "../../topics/mediaBackfill.ts"
import { mediaUploaded } from "../../topics/mediaUploaded.ts"
import type * as Topic from "../../topics/Topic.ts"
import { explainBlobs } from "../blobOutcome.ts"
import { handedOn, type Picture, refusedOn } from "./attachment.ts"
import {
  countCrash,
  keepConversion,
  keepRefusal,
  knownConversion,
  lockOf,
  mostCrashes,
  pardon,
  type Refusal,
  wasRetried
} from "./conversions.ts"

/** One picture to convert, of whom, and whether somebody waits. */
interface Assignment {
  readonly picture: Picture
  readonly owner: string
  readonly urgency: Urgency
  readonly task: TaskContext
}

const recipe = recipeId(currentRecipe)

/** What passes (a full machine, a disk) is tried so often; then the item is told. */
const mostAttempts = 4

/** How soon it is looked again for a picture that another task converts just now, ms. */
const busyMs = 200

const succeed = ({ picture, owner }: Assignment, converted: ConvertedBlob, reused: boolean) =>
  Effect.map(handedOn(picture, owner, converted), (outputs) =>
    done({ name: picture.name, ...converted, reused }, outputs)
  )

const refuse = ({ picture, owner }: Assignment, refusal: Refusal) =>
  Effect.map(refusedOn(picture, owner, refusal), (outputs) =>
    fail(`${refusal.reason}: ${refusal.message}`, refusal, outputs)
  )

/** An earlier result, where its files are still there. */
const earlier = (result: string | null) =>
  Effect.gen(function* () {
    if (result === null) return null
    const blobs = yield* Blobs
    const converted = JSON.parse(result) as ConvertedBlob
    return yield* Effect.all([blobs.head(converted.preview.sha256), blobs.head(converted.thumbnail.sha256)]).pipe(
      Effect.as(converted),
      Effect.catchReason("BlobError", "NotFound", () => Effect.succeed(null))
    )
  })

/** How it ends by what is known of the picture; or how often it has killed its decoder, where it is to be decoded. */
const byWhatIsKnown = Effect.fnUntraced(function* (assignment: Assignment) {
  const { picture, task } = assignment
  const known = yield* knownConversion(picture.sha256, recipe)
  if (known.refusal !== null) {
    if (!(yield* wasRetried(task.id))) return yield* refuse(assignment, known.refusal)
    yield* task.log(`tried again, although it was refused: ${known.refusal.message}`)
    yield* pardon(picture.sha256, recipe)
    return 0
  }
  const before = yield* earlier(known.result)
  return before === null ? known.crashes : yield* succeed(assignment, before, true)
})

/** Decodes the picture; one that has killed a decoder has the machine to itself, and a new decoder. */
const decode = (
  assignment: Assignment,
  crashes: number
): Effect.Effect<
  ConvertedBlob,
  ImageError | BlobError | SqlError.SqlError,
  Images | Blobs | WorkFolder | SqlClient.SqlClient
> =>
  Effect.gen(function* () {
    const { sha256 } = assignment.picture
    const directory = yield* WorkFolder
    const { urgency } = assignment
    return yield* convertBlob(sha256, { directory, urgency, alone: crashes > 0 }).pipe(
      Effect.catchTag("ImageError", (error) =>
        Effect.gen(function* () {
          if (error.reason._tag !== "WorkerCrashed") return yield* error
          const count = yield* countCrash(sha256, recipe)
          yield* assignment.task.log(`${error.message} (${count} of ${mostCrashes})`)
          return count >= mostCrashes ? yield* error : yield* decode(assignment, count)
        })
      )
    )
  })

const refusalOf = ({ reason }: ImageError): Refusal =>
  reason._tag === "WorkerCrashed"
    ? { reason: reason._tag, message: `in quarantine: the picture killed the decoder ${mostCrashes} times` }
    : { reason: reason._tag, message: reason.detail }

/** What a failed decoding comes to: a verdict on the bytes, which is kept, or something that may pass. */
const judge = Effect.fnUntraced(function* (assignment: Assignment, error: ImageError) {
  const refusal = refusalOf(error)
  if (error.isRetryable && error.reason._tag !== "WorkerCrashed") {
    return assignment.task.attempt < mostAttempts ? retry(error.message) : yield* refuse(assignment, refusal)
  }
  // What is not supported here may be by another process, or later: programs come and go. Telling it costs no decoding.
  if (error.reason._tag !== "UnsupportedFormat") yield* keepRefusal(assignment.picture.sha256, recipe, refusal)
  return yield* refuse(assignment, refusal)
})

/** The same for the blob store, which may be full for a while. */
const judgeBlobs = Effect.fnUntraced(function* (assignment: Assignment, error: BlobError) {
  const outcome: Outcome = yield* explainBlobs(error)
  const isLast = outcome._tag === "Fail" || (outcome._tag === "Retry" && assignment.task.attempt >= mostAttempts)
  return isLast ? yield* refuse(assignment, { reason: error.reason._tag, message: error.reason.detail }) : outcome
})

const convert = Effect.fn("converter")(
  function* (assignment: Assignment) {
    const { picture, owner } = assignment
    if (picture.item !== undefined && !isWholeOwner(owner)) return fail("the record's key does not name an owner")
    const known = yield* byWhatIsKnown(assignment)
    if (typeof known !== "number") return known
    const locks = yield* Locks
    if (!(yield* locks.tryTake(lockOf(picture.sha256, recipe)))) {
      return delay("the same picture is being converted for another task", (yield* Clock.currentTimeMillis) + busyMs)
    }
    // Whoever had the lock before may have converted it.
    const crashes = yield* byWhatIsKnown(assignment)
    if (typeof crashes !== "number") return crashes
    const converted = yield* decode(assignment, crashes)
    yield* keepConversion(picture.sha256, recipe, JSON.stringify(converted))
    return yield* succeed(assignment, converted, false)
  },
  (work, assignment) =>
    Effect.catchTags(work, {
      ImageError: (error) => judge(assignment, error),
      BlobError: (error) => judgeBlobs(assignment, error)
    }),
  Effect.scoped
)

const policy = {
  retry: { attempts: mostAttempts, backoffMs: 500, capMs: 10_000 },
  // The decoder's own deadline, for each time it may die.
  timeoutMs: 180_000
}

/** Pictures that somebody waits for, in the order of their owner's uploads. */
export const makeConverter = (off: string | null) =>
  Actor.make({
    ...policy,
    name: "converter",
    topic: mediaUploaded,
    handler: (picture: Picture, task) => convert({ picture, owner: task.user, urgency: "live", task }),
    concurrency: 16,
    priority: "medium",
    off
  })

/** Pictures by the thousand, which nobody waits for. */
export const makeBackfill = (off: string | null) =>
  Actor.make({
    ...policy,
    name: "backfill",
    topic: mediaBackfill,
    handler: ({ picture, owner }: Topic.ValueOf<typeof mediaBackfill>, task) =>
      convert({ picture, owner, urgency: "backfill", task }),
    concurrency: 8,
    priority: "low",
    off
  })
