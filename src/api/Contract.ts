/** The HTTP API as a contract: routes, shapes and errors, without a line of server code. */
import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiMiddleware, HttpApiSchema, HttpApiSecurity, OpenApi } from "effect/http-api"
import { BadRequest, Conflict, NotFound, Unauthorized, Unavailable } from "./Problems.ts"
import { EventView, MailboxView, QueueView, Receipt, TaskAnswer, TaskDetail, TaskPage } from "./Views.ts"

/** Most events in one batch. */
export const batchLimit = 1_000
export const largestPage = 500

/** Turns what does not fit the contract into a problem that names each bad field. */
export class RequestCheck extends HttpApiMiddleware.Service<RequestCheck>()("postroom/api/RequestCheck", {
  error: BadRequest.problem
}) {}

/** A bearer token on every route but health. */
export class Authorization extends HttpApiMiddleware.Service<Authorization>()("postroom/api/Authorization", {
  security: { bearer: HttpApiSecurity.bearer },
  error: Unauthorized.problem
}) {}

const eventId = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200), Schema.isPattern(/^[^\0]*$/))
const user = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200), Schema.isPattern(/^[^\0]*$/))

/** An event as a client posts it; `data` is checked by the type's own schema. */
export const PostedEvent = Schema.Struct({
  type: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200)),
  user,
  data: Schema.Unknown,
  /** Posting the same id again answers the same; another body under it is refused. */
  id: Schema.optionalKey(eventId),
  /** Start then instead of now. */
  at: Schema.optionalKey(Schema.String.annotate({ format: "date-time" })),
  priority: Schema.optionalKey(Schema.Literals(["high", "medium", "low"]))
})
export type PostedEvent = typeof PostedEvent.Type

const accepted = HttpApiSchema.status(202)
const failures = [NotFound.problem, Unavailable.problem] as const

export class Events extends HttpApiGroup.make("events")
  .add(
    HttpApiEndpoint.post("post", "/events", {
      payload: PostedEvent,
      headers: { "idempotency-key": Schema.optionalKey(eventId) },
      success: Receipt.pipe(accepted),
      error: [BadRequest.problem, Conflict.problem, Unavailable.problem]
    }),
    HttpApiEndpoint.post("batch", "/events/batch", {
      payload: Schema.Struct({
        events: Schema.Array(PostedEvent).check(Schema.isMinLength(1), Schema.isMaxLength(batchLimit))
      }),
      success: Schema.Struct({ events: Schema.Array(Receipt) }).pipe(accepted),
      error: [BadRequest.problem, Conflict.problem, Unavailable.problem]
    }),
    HttpApiEndpoint.get("get", "/events/:id", { params: { id: Schema.String }, success: EventView, error: failures })
  )
  .middleware(Authorization) {}

const count = Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: largestPage }))

export class Tasks extends HttpApiGroup.make("tasks")
  .add(
    HttpApiEndpoint.get("list", "/tasks", {
      query: {
        /** One status or several, separated by commas. */
        status: Schema.optionalKey(Schema.String),
        queue: Schema.optionalKey(Schema.String),
        user: Schema.optionalKey(Schema.String),
        type: Schema.optionalKey(Schema.String),
        flow: Schema.optionalKey(Schema.String),
        since: Schema.optionalKey(Schema.String),
        until: Schema.optionalKey(Schema.String),
        q: Schema.optionalKey(Schema.String),
        limit: Schema.optionalKey(count),
        cursor: Schema.optionalKey(Schema.String)
      },
      success: TaskPage,
      error: [BadRequest.problem, Unavailable.problem]
    }),
    HttpApiEndpoint.get("get", "/tasks/:id", { params: { id: Schema.String }, success: TaskDetail, error: failures }),
    HttpApiEndpoint.post("cancel", "/tasks/:id/cancel", {
      params: { id: Schema.String },
      success: TaskAnswer.pipe(accepted),
      error: [...failures, Conflict.problem]
    }),
    HttpApiEndpoint.post("retry", "/tasks/:id/retry", {
      params: { id: Schema.String },
      success: TaskAnswer.pipe(accepted),
      error: [...failures, Conflict.problem]
    })
  )
  .middleware(Authorization) {}

const Paused = Schema.Struct({ paused: Schema.Boolean })

export class Queues extends HttpApiGroup.make("queues")
  .add(
    HttpApiEndpoint.get("list", "/queues", { success: Schema.Array(QueueView), error: Unavailable.problem }),
    HttpApiEndpoint.post("pause", "/queues/:name/pause", { params: { name: Schema.String }, success: Paused, error: failures }),
    HttpApiEndpoint.post("resume", "/queues/:name/resume", { params: { name: Schema.String }, success: Paused, error: failures })
  )
  .middleware(Authorization) {}

export class Users extends HttpApiGroup.make("users")
  .add(
    HttpApiEndpoint.get("mailbox", "/users/:id/mailbox", { params: { id: user }, success: MailboxView, error: Unavailable.problem }),
    HttpApiEndpoint.post("pause", "/users/:id/pause", { params: { id: user }, success: Paused, error: Unavailable.problem }),
    HttpApiEndpoint.post("resume", "/users/:id/resume", { params: { id: user }, success: Paused, error: Unavailable.problem })
  )
  .middleware(Authorization) {}

const Health = Schema.Struct({ status: Schema.Literals(["ok"]) })

export class HealthChecks extends HttpApiGroup.make("health").add(
  HttpApiEndpoint.get("live", "/health/live", { success: Health }),
  HttpApiEndpoint.get("ready", "/health/ready", { success: Health, error: Unavailable.problem })
) {}

/** Metrics in Prometheus' text format, behind the same token. */
export class Metrics extends HttpApiGroup.make("metrics")
  .add(HttpApiEndpoint.get("text", "/metrics", { success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain; version=0.0.4" })) }))
  .middleware(Authorization) {}

export class Api extends HttpApi.make("postroom")
  .add(Events)
  .add(Tasks)
  .add(Queues)
  .add(Users)
  .add(HealthChecks)
  .add(Metrics)
  .prefix("/api/v1")
  .middleware(RequestCheck)
  .annotateMerge(OpenApi.annotations({ title: "Postroom", version: "1" })) {}

