/** The HTTP API as a contract: routes, shapes and errors, without a line of server code. */
import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { accepted, failures, key, name, says, submitting, time } from "./fields.ts"
import { Exports } from "./ExportsContract.ts"
import { Files } from "./FilesContract.ts"
import { Items } from "./ItemsContract.ts"
import { Authorization, RequestCheck } from "./Middleware.ts"
import { BadRequest, Conflict, Unavailable } from "./Problems.ts"
import { filter, instant, limit, numberedCursor, states } from "./query.ts"
import { EventView, FlowAnswer, MailboxView, QueueView, Receipt, TaskAnswer, TaskDetail, TaskPage } from "./Views.ts"

/** Most events in one batch. */
export const batchLimit = 1_000

/** An event as a client posts it; `data` is checked by the type's own schema. */
export const PostedEvent = Schema.Struct({
  type: name.annotate({ description: "What happened, for example source.due." }),
  user: name.annotate({ description: "Whose event it is: the order is kept per user." }),
  data: Schema.Unknown.annotate({ description: "Checked by the type's own schema." }),
  id: Schema.optionalKey(
    name.annotate({ description: "Posting it again answers the same; with another body it is refused." })
  ),
  at: Schema.optionalKey(time.annotate({ description: "When to start, instead of now." })),
  priority: Schema.optionalKey(Schema.Literals(["high", "medium", "low"]))
}).annotate({ identifier: "PostedEvent" })
export type PostedEvent = typeof PostedEvent.Type

export class Events extends HttpApiGroup.make("events")
  .add(
    HttpApiEndpoint.post("post", "/events", {
      payload: PostedEvent,
      headers: { "idempotency-key": key },
      success: Receipt.pipe(accepted),
      error: submitting
    }).annotateMerge(
      says(
        "Post an event",
        "Answered when it is on disk. A repeat of its id answers the same; an Idempotency-Key stands for the id of one that has none."
      )
    ),
    HttpApiEndpoint.post("batch", "/events/batch", {
      payload: Schema.Struct({
        events: Schema.Array(PostedEvent).check(Schema.isMinLength(1), Schema.isMaxLength(batchLimit))
      }),
      headers: { "idempotency-key": key },
      success: Schema.Struct({ events: Schema.Array(Receipt) }).pipe(accepted),
      error: submitting
    }).annotateMerge(
      says("Post events", "All of them or none. With an Idempotency-Key, events without an id get one made of it.")
    ),
    HttpApiEndpoint.get("get", "/events/:id", {
      params: { id: Schema.String },
      success: EventView,
      error: failures
    }).annotateMerge(says("An event, its flow and the results so far")),
    HttpApiEndpoint.post("cancel", "/events/:id/cancel", {
      params: { id: Schema.String },
      success: FlowAnswer.pipe(accepted),
      error: [...failures, Conflict.problem]
    }).annotateMerge(
      says("Cancel a whole flow", "Every task of it that has not ended, and those that would still come.")
    )
  )
  .middleware(Authorization) {}

export class Tasks extends HttpApiGroup.make("tasks")
  .add(
    HttpApiEndpoint.get("list", "/tasks", {
      query: {
        status: states,
        queue: filter("Name of a queue."),
        user: filter("Whose tasks."),
        type: filter("Type of the record."),
        flow: filter("Id of the event they descend from."),
        since: instant("Queued at or after this time."),
        until: instant("Queued before this time."),
        q: filter("Part of the reason or the user, or the beginning of an id."),
        limit,
        cursor: numberedCursor
      },
      success: TaskPage,
      error: [BadRequest.problem, Unavailable.problem]
    }).annotateMerge(says("Tasks, newest first")),
    HttpApiEndpoint.get("get", "/tasks/:id", {
      params: { id: Schema.String },
      success: TaskDetail,
      error: failures
    }).annotateMerge(says("A task with its attempts, steps and log, and why it waits")),
    HttpApiEndpoint.post("cancel", "/tasks/:id/cancel", {
      params: { id: Schema.String },
      success: TaskAnswer.pipe(accepted),
      error: [...failures, Conflict.problem]
    }).annotateMerge(says("Cancel a task", "A waiting one will not run, a running one is interrupted.")),
    HttpApiEndpoint.post("retry", "/tasks/:id/retry", {
      params: { id: Schema.String },
      success: TaskAnswer.pipe(accepted),
      error: [...failures, Conflict.problem]
    }).annotateMerge(says("Run a task again that ended badly"))
  )
  .middleware(Authorization) {}

const Paused = Schema.Struct({ paused: Schema.Boolean })
const ofQueue = { params: { name: Schema.String }, success: Paused, error: failures }

export class Queues extends HttpApiGroup.make("queues")
  .add(
    HttpApiEndpoint.get("list", "/queues", {
      success: Schema.Array(QueueView),
      error: Unavailable.problem
    }).annotateMerge(says("The queues and what stands in them")),
    HttpApiEndpoint.post("pause", "/queues/:name/pause", ofQueue).annotateMerge(says("Start no more tasks of a queue")),
    HttpApiEndpoint.post("resume", "/queues/:name/resume", ofQueue).annotateMerge(says("Let a queue go on"))
  )
  .middleware(Authorization) {}

const ofUser = { params: { id: name }, success: Paused, error: Unavailable.problem }

export class Users extends HttpApiGroup.make("users")
  .add(
    HttpApiEndpoint.get("mailbox", "/users/:id/mailbox", {
      params: { id: name },
      success: MailboxView,
      error: Unavailable.problem
    }).annotateMerge(says("What waits and runs for a user, in order within each queue")),
    HttpApiEndpoint.post("pause", "/users/:id/pause", ofUser).annotateMerge(says("Start no more tasks of a user")),
    HttpApiEndpoint.post("resume", "/users/:id/resume", ofUser).annotateMerge(says("Let a user's tasks go on"))
  )
  .middleware(Authorization) {}

const Health = Schema.Struct({ status: Schema.Literals(["ok"]) })

export class HealthChecks extends HttpApiGroup.make("health").add(
  HttpApiEndpoint.get("live", "/health/live", { success: Health }).annotateMerge(says("The process is there")),
  HttpApiEndpoint.get("ready", "/health/ready", { success: Health, error: Unavailable.problem }).annotateMerge(
    says("The process can work: its database answers")
  )
) {}

/** Metrics in Prometheus' text format, behind the same token. */
export class Metrics extends HttpApiGroup.make("metrics")
  .add(
    HttpApiEndpoint.get("text", "/metrics", {
      success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain; version=0.0.4" }))
    }).annotateMerge(says("Metrics in Prometheus' text format"))
  )
  .middleware(Authorization) {}

/** Every fault is told, and fields nobody knows are refused, so that a misspelt filter does not list everything. */
export const strict = { errors: "all", onExcessProperty: "error" } as const

export class Api extends HttpApi.make("postroom")
  .add(Events)
  .add(Tasks)
  .add(Queues)
  .add(Users)
  .add(Items)
  .add(Files)
  .add(Exports)
  .add(HealthChecks)
  .add(Metrics)
  .prefix("/api/v1")
  .middleware(RequestCheck)
  .annotate(HttpApi.PayloadParseOptions, strict)
  .annotate(HttpApi.QueryParseOptions, strict)
  .annotateMerge(OpenApi.annotations({ title: "Postroom", version: "1" })) {}

/** What a process answers that does not serve the API: the same paths, the same token for what it counts. */
export class WorkerApi extends HttpApi.make("postroom")
  .add(HealthChecks)
  .add(Metrics)
  .prefix("/api/v1")
  .middleware(RequestCheck) {}
