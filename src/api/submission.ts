/**
 * From a posted event to a checked one: the type must be known, the data must
 * fit its schema, and the whole must be something that can be stored. Every
 * objection names its field.
 */
import { Result, Schema } from "effect"
import { hash, randomUUID } from "node:crypto"
import { taskIdOf } from "../domain/ids.ts"
import type { CheckedEvent } from "../journal/EventIntake.ts"
import type { PostedEvent } from "./Contract.ts"
import type { EventType, EventTypes } from "./EventTypes.ts"
import { fieldIssues } from "./fieldIssues.ts"
import { instantShape, readInstant } from "./instant.ts"
import type { FieldIssue } from "./Problems.ts"
import { BadRequest } from "./Problems.ts"

type Decode = (data: unknown) => Result.Result<unknown, Schema.SchemaError>

/** One decoder per topic: building one costs more than using it. */
const decoders = new WeakMap<EventType["topic"], Decode>()

const decoderOf = ({ topic }: EventType): Decode => {
  const known = decoders.get(topic)
  if (known !== undefined) return known
  const decode = Schema.decodeUnknownResult(topic.value, { errors: "all", onExcessProperty: "error" })
  decoders.set(topic, decode)
  return decode
}

const issuesOf = (type: EventType, data: unknown): ReadonlyArray<FieldIssue> => {
  const decoded = decoderOf(type)(data)
  return Result.isSuccess(decoded) ? [] : fieldIssues(decoded.failure, ["data"])
}

/** Deepest nesting of data: far above any schema of ours, far below what would overflow a stack. */
const deepest = 32

const depthOf = (value: unknown, limit: number): number => {
  if (typeof value !== "object" || value === null || limit === 0) return 0
  let depth = 0
  for (const item of Object.values(value)) depth = Math.max(depth, depthOf(item, limit - 1))
  return depth + 1
}

const sorted = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map(sorted)
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key as keyof typeof value])])
  )
}

/** JSON with sorted keys, so that the same body has the same fingerprint however it was written. */
const canonical = (value: unknown): string => JSON.stringify(sorted(value))

const textFields = ["type", "user", "id"] as const

/** Half of a surrogate pair has no UTF-8: it would come back as another text than was sent. */
const isWellFormed = (text: string): boolean => text.isWellFormed()

/** Checks one event; `key` stands for the id of one that has none, `path` the place of the event in the request. */
export const check = (
  types: EventTypes["Service"],
  posted: PostedEvent,
  key: string | undefined,
  path: ReadonlyArray<string | number>
): Result.Result<CheckedEvent, BadRequest> => {
  const issues: Array<FieldIssue> = []
  for (const name of textFields) {
    if (!isWellFormed(posted[name] ?? "")) issues.push({ path: [name], message: "holds half of a surrogate pair" })
  }
  const at = readInstant(posted.at)
  if (at === undefined) issues.push({ path: ["at"], message: instantShape })
  const type = types.get(posted.type)
  if (type === undefined) {
    issues.push({ path: ["type"], message: `no such event type; known are ${[...types.keys()].join(", ")}` })
  } else if (depthOf(posted.data, deepest + 1) > deepest) {
    issues.push({ path: ["data"], message: `is nested more than ${deepest} levels deep` })
  } else issues.push(...issuesOf(type, posted.data))
  if (issues.length > 0 || type === undefined || at === undefined) {
    return Result.fail(
      BadRequest.of(
        "the event cannot be accepted",
        issues.map((issue) => ({ path: [...path, ...issue.path], message: issue.message }))
      )
    )
  }
  const id = posted.id ?? key ?? randomUUID()
  const queue = type.queues[0]!
  return Result.succeed({
    id,
    type: posted.type,
    user: posted.user,
    queue,
    task: taskIdOf(queue, id),
    fingerprint: hash(
      "sha256",
      canonical([posted.type, posted.user, posted.data, posted.at ?? null, posted.priority ?? null])
    ),
    data: JSON.stringify(posted.data),
    awaits: type.queues.length,
    topic: type.topic.name,
    priority: posted.priority,
    at
  })
}
