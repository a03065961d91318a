/**
 * Errors of the API as RFC 9457 problems: a stable `_tag`, the status, one
 * sentence on what was wrong, and for each bad field its path and why.
 */
import { Schema } from "effect"
import { HttpApiSchema } from "effect/http-api"

const Issue = Schema.Struct({ path: Schema.Array(Schema.Union([Schema.String, Schema.Finite])), message: Schema.String })

const members = {
  type: Schema.String,
  title: Schema.String,
  status: Schema.Int,
  detail: Schema.String,
  errors: Schema.optionalKey(Schema.Array(Issue))
}

const asProblem = HttpApiSchema.asJson({ contentType: "application/problem+json" })
const about = (title: string, status: number, detail: string) => ({ type: "about:blank", title, status, detail })

export type FieldIssue = typeof Issue.Type

export class BadRequest extends Schema.TaggedError<BadRequest>()("BadRequest", members, { httpApiStatus: 400 }) {
  static of = (detail: string, errors: ReadonlyArray<FieldIssue>) =>
    new BadRequest({ ...about("Bad Request", 400, detail), errors })
  static readonly problem = this.pipe(asProblem)
}

export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", members, { httpApiStatus: 401 }) {
  static of = () => new Unauthorized(about("Unauthorized", 401, "a valid bearer token is needed: `postroom token` makes one"))
  static readonly problem = this.pipe(asProblem)
}

export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", members, { httpApiStatus: 404 }) {
  static of = (what: string) => new NotFound(about("Not Found", 404, what))
  static readonly problem = this.pipe(asProblem)
}

export class Conflict extends Schema.TaggedError<Conflict>()("Conflict", members, { httpApiStatus: 409 }) {
  static of = (detail: string) => new Conflict(about("Conflict", 409, detail))
  static readonly problem = this.pipe(asProblem)
}

/** The journal does not answer; nothing was kept unless the answer says so. */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", members, { httpApiStatus: 503 }) {
  static of = (detail: string) => new Unavailable(about("Service Unavailable", 503, detail))
  static readonly problem = this.pipe(asProblem)
}
