/** What a failed call to the blob store means for the task that made it. */
import { Clock, Effect } from "effect"
import { delay, fail, retry } from "../domain/Outcome.ts"
import type { Outcome } from "../domain/Outcome.ts"
import type { BlobError } from "../services/blobs/BlobError.ts"

/** How long a task waits for room before it looks again. */
const roomMs = 15_000

/** A full disk is the operator's to mend: it is waited for and costs no attempt. The rest is tried again or not. */
export const explainBlobs = (error: BlobError): Effect.Effect<Outcome> =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    if (error.reason._tag === "StoreFull") return delay(`waits for room: ${error.message}`, now + roomMs)
    return error.isRetryable ? retry(error.message) : fail(error.message)
  })
