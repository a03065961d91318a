/**
 * An upload as a form: its file streams into the store while it is hashed, and
 * is never whole in memory; the other fields are few and short. Nothing of it is
 * kept yet, and nothing is left of one that is cut off.
 */
import { Effect, Result, Schema, Stream } from "effect"
import { Multipart } from "effect/http"
import { Blobs } from "../../services/blobs/Blobs.ts"
import type { StagedBlob } from "../../services/blobs/Blobs.ts"
import type { BlobError } from "../../services/blobs/BlobError.ts"
import { LargestContent } from "../../services/content/limits.ts"
import { strict } from "../Contract.ts"
import { fieldIssues } from "../fieldIssues.ts"
import { BadRequest, BodyTooLarge, InsufficientStorage, Unavailable } from "../Problems.ts"

/** A file of a form, and what its sender calls it. */
export interface SentFile {
  readonly staged: StagedBlob
  readonly name: string
}

/** Room for everything in a form but the file. */
const fieldsRoom = 1 << 20

const limitsOf = (largest: number) =>
  Multipart.limitsServices({
    maxParts: 1_200,
    maxFieldSize: 4_096,
    maxFileSize: largest,
    maxTotalSize: largest + fieldsRoom
  })

const broken = (error: Multipart.MultipartError, largest: number) => {
  switch (error.reason._tag) {
    case "FileTooLarge":
    case "BodyTooLarge":
      return BodyTooLarge.of(largest)
    case "FieldTooLarge":
    case "TooManyParts":
      return BodyTooLarge.of(fieldsRoom)
    default:
      return BadRequest.of("the form cannot be read, or was cut off")
  }
}

/** What a store that cannot be read says to the client. */
export const storeUnavailable = (error: BlobError): Effect.Effect<never, Unavailable> =>
  Effect.andThen(
    Effect.logWarning("the store of files does not answer", error.message),
    Effect.fail(Unavailable.of("the store of files does not answer, try again"))
  )

/** What a store that does not take a file says to the client. */
export const refusedByStore = (error: BlobError): Effect.Effect<never, InsufficientStorage | Unavailable> =>
  error.reason._tag === "StoreFull" ? Effect.fail(InsufficientStorage.of()) : storeUnavailable(error)

/** Fields of which a form may have several; their value is a list. */
const lists = new Set(["tags", "viewers"])

const fault = (name: string, message: string) =>
  BadRequest.of("the upload cannot be accepted", [{ path: [name], message }])

/** What is told by words in a form and by other values in JSON. */
const valueOf = (key: string, value: string): unknown =>
  key === "admin" && (value === "true" || value === "false") ? value === "true" : value

/** The form's fields as `fields` wants them, and its file, which goes with the scope unless it is kept. */
export const readForm = Effect.fnUntraced(function* <A>(
  parts: Stream.Stream<Multipart.Part, Multipart.MultipartError>,
  fields: Schema.Codec<A, unknown>,
  expected: number
) {
  const blobs = yield* Blobs
  const largest = yield* LargestContent
  if (expected > largest + fieldsRoom) return yield* BodyTooLarge.of(largest)
  const found = new Map<string, unknown>()
  const many = new Map<string, ReadonlyArray<string>>()
  const files: Array<SentFile> = []

  const take = (part: Multipart.Part) =>
    Effect.gen(function* () {
      if (part._tag === "File") {
        if (part.key !== "file") return yield* fault(part.key, "is no file of this form")
        if (files.length > 0) return yield* fault("file", "is there twice")
        const staged = yield* blobs.stage(part.content, { expected })
        files.push({ staged, name: part.name })
      } else if (lists.has(part.key)) many.set(part.key, [...(many.get(part.key) ?? []), part.value])
      else if (found.has(part.key)) return yield* fault(part.key, "is there twice")
      else found.set(part.key, valueOf(part.key, part.value))
    })

  yield* Stream.runForEach(Stream.provideContext(parts, limitsOf(largest)), take).pipe(
    Effect.catchTag("MultipartError", (error) => Effect.fail(broken(error, largest))),
    Effect.catchTag("BlobError", refusedByStore)
  )
  const decoded = Schema.decodeUnknownResult(fields, strict)(Object.fromEntries([...found, ...many]))
  const issues = Result.isFailure(decoded) ? [...fieldIssues(decoded.failure, [])] : []
  const [file] = files
  if (file === undefined) issues.push({ path: ["file"], message: "is missing" })
  if (Result.isFailure(decoded) || file === undefined || issues.length > 0)
    return yield* BadRequest.of("the upload cannot be accepted", issues)
  return { fields: decoded.success, file }
})
