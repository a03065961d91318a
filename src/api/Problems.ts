/**
 * Errors of the API as RFC 9457 problems: a stable `_tag`, the status, one
 * sentence on what was wrong, and for each bad field its path and why. A path
 * starts at the body; one that starts with "query", "path" or "header" names
 * what it was found in.
 */
import { Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiSchema } from "effect/http-api"

const Issue = Schema.Struct({
  path: Schema.Array(Schema.Union([Schema.String, Schema.Finite])),
  message: Schema.String
})

const members = {
  type: Schema.String,
  title: Schema.String,
  status: Schema.Int,
  detail: Schema.String,
  errors: Schema.optionalKey(Schema.Array(Issue))
}

/** The media type of every error. */
export const problemType = "application/problem+json"

/** The answer that tells `error`. */
export const responseOf = (error: { readonly status: number }): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(error, { status: error.status, contentType: problemType })

const asProblem = HttpApiSchema.asJson({ contentType: problemType })
const about = (title: string, status: number, detail: string) => ({ type: "about:blank", title, status, detail })

export type FieldIssue = typeof Issue.Type

export class BadRequest extends Schema.TaggedError<BadRequest>()("BadRequest", members, { httpApiStatus: 400 }) {
  static of = (detail: string, errors: ReadonlyArray<FieldIssue> = []) =>
    new BadRequest({ ...about("Bad Request", 400, detail), errors })
  static readonly problem = this.pipe(asProblem)
}

export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", members, { httpApiStatus: 401 }) {
  static of = () =>
    new Unauthorized(about("Unauthorized", 401, "a valid bearer token is needed: `postroom token` makes one"))
  static readonly problem = this.pipe(asProblem)
}

export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", members, { httpApiStatus: 404 }) {
  static of = (what: string) => new NotFound(about("Not Found", 404, what))
  static readonly problem = this.pipe(asProblem)
}

/** The path is known, but not with this method; the Allow header names those it has. */
export class MethodNotAllowed extends Schema.TaggedError<MethodNotAllowed>()("MethodNotAllowed", members, {
  httpApiStatus: 405
}) {
  static of = (method: string, allowed: ReadonlyArray<string>) =>
    new MethodNotAllowed(about("Method Not Allowed", 405, `${method} is not possible here, only ${allowed.join(", ")}`))
}

export class Conflict extends Schema.TaggedError<Conflict>()("Conflict", members, { httpApiStatus: 409 }) {
  static of = (detail: string, errors: ReadonlyArray<FieldIssue> = []) =>
    new Conflict({ ...about("Conflict", 409, detail), ...(errors.length === 0 ? {} : { errors }) })
  static readonly problem = this.pipe(asProblem)
}

export class BodyTooLarge extends Schema.TaggedError<BodyTooLarge>()("BodyTooLarge", members, { httpApiStatus: 413 }) {
  static of = (limit: number) =>
    new BodyTooLarge(
      about("Content Too Large", 413, `a body may have at most ${limit} bytes: send less in one request`)
    )
  static readonly problem = this.pipe(asProblem)
}

export class RangeNotSatisfiable extends Schema.TaggedError<RangeNotSatisfiable>()("RangeNotSatisfiable", members, {
  httpApiStatus: 416
}) {
  static of = (size: number) =>
    new RangeNotSatisfiable(about("Range Not Satisfiable", 416, `there are ${size} bytes, and none in that range`))
  static readonly problem = this.pipe(asProblem)
}

/** It was here, and is not kept any longer. */
export class Gone extends Schema.TaggedError<Gone>()("Gone", members, { httpApiStatus: 410 }) {
  static of = (detail: string) => new Gone(about("Gone", 410, detail))
  static readonly problem = this.pipe(asProblem)
}

/** There is no room for a file. Nothing of it was kept. */
export class InsufficientStorage extends Schema.TaggedError<InsufficientStorage>()("InsufficientStorage", members, {
  httpApiStatus: 507
}) {
  static of = () =>
    new InsufficientStorage(
      about("Insufficient Storage", 507, "there is no room for the file, and nothing of it was kept")
    )
  static readonly problem = this.pipe(asProblem)
}

export class UnsupportedMediaType extends Schema.TaggedError<UnsupportedMediaType>()("UnsupportedMediaType", members, {
  httpApiStatus: 415
}) {
  static of = () =>
    new UnsupportedMediaType(
      about(
        "Unsupported Media Type",
        415,
        "the body must be JSON (Content-Type: application/json), or a form where a file is taken (multipart/form-data)"
      )
    )
  static readonly problem = this.pipe(asProblem)
}

/** A defect of ours. What happened is in the log, not in the answer. */
export class Unexpected extends Schema.TaggedError<Unexpected>()("Unexpected", members, { httpApiStatus: 500 }) {
  static of = () => new Unexpected(about("Internal Server Error", 500, "Postroom made a mistake; its log says which"))
  static readonly problem = this.pipe(asProblem)
}

/** The journal does not answer; nothing was kept unless the answer says so. */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", members, { httpApiStatus: 503 }) {
  static of = (detail: string) => new Unavailable(about("Service Unavailable", 503, detail))
  static readonly problem = this.pipe(asProblem)
}
