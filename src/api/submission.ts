/**
 * From a posted event to a checked one: the type must be known, the data must
 * fit its schema, and the whole must be something that can be stored. Every
 * objection names its field.
 */
import { Effect, Result, Schema, SchemaIssue } from "effect"
import { createHash, randomUUID } from "node:crypto"
import { taskIdOf } from "../domain/ids.ts"
import type { CheckedEvent } from "../journal/EventIntake.ts"
import type { PostedEvent } from "./Contract.ts"
import { EventTypes } from "./EventTypes.ts"
import type { EventType } from "./EventTypes.ts"
import type { FieldIssue } from "./Problems.ts"
import { BadRequest } from "./Problems.ts"

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const segment = (key: unknown): string | number =>
  typeof key === "number" ? key : String(typeof key === "object" && key !== null ? (key as { key: unknown }).key : key)

const issuesOf = (type: EventType, data: unknown): ReadonlyArray<FieldIssue> => {
  const decoded = Schema.decodeUnknownResult(type.topic.value, { errors: "all", onExcessProperty: "error" })(data)
  if (Result.isSuccess(decoded)) return []
  return formatIssues(decoded.failure.issue).issues.map((issue) => ({
    path: ["data", ...(issue.path ?? []).map(segment)],
    message: issue.message
  }))
}

/** Deepest nesting of data: far above any schema of ours, far below what would overflow a stack. */
const deepest = 32

const depthOf = (value: unknown, limit: number): number => {
  if (typeof value !== "object" || value === null || limit === 0) return 0
  let depth = 0
  for (const item of Object.values(value)) depth = Math.max(depth, depthOf(item, limit - 1))
  return depth + 1
}

/** JSON with sorted keys, so that the same body has the same fingerprint however it was written. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item
  )

/** RFC 3339 with a zone: without one, nobody knows whose eight o'clock it is. */
const instant = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)$/

const readTime = (at: string | undefined): number | null | undefined => {
  if (at === undefined) return null
  const ms = instant.test(at) ? Date.parse(at) : Number.NaN
  return Number.isFinite(ms) ? ms : undefined
}

/** Checks one event; `key` is the Idempotency-Key where there was one, `at` the path of the event in the request. */
export const check = (
  posted: PostedEvent,
  key: string | undefined,
  path: ReadonlyArray<string | number>
): Effect.Effect<CheckedEvent, BadRequest, EventTypes> =>
  Effect.gen(function* () {
    const types = yield* EventTypes
    const refuse = (errors: ReadonlyArray<FieldIssue>) =>
      BadRequest.of(
        "the event cannot be accepted",
        errors.map((error) => ({ path: [...path, ...error.path], message: error.message }))
      )
    const type = types.get(posted.type)
    if (type === undefined) {
      const known = [...types.keys()].join(", ")
      return yield* refuse([{ path: ["type"], message: `no such event type; known are ${known}` }])
    }
    const at = readTime(posted.at)
    if (at === undefined) {
      return yield* refuse([{ path: ["at"], message: "must be a time with a zone, for example 2026-12-01T08:00:00Z" }])
    }
    if (depthOf(posted.data, deepest + 1) > deepest) {
      return yield* refuse([{ path: ["data"], message: `is nested more than ${deepest} levels deep` }])
    }
    if (key !== undefined && posted.id !== undefined && key !== posted.id) {
      return yield* refuse([{ path: ["id"], message: "differs from the Idempotency-Key header: send one of them" }])
    }
    const issues = issuesOf(type, posted.data)
    if (issues.length > 0) return yield* refuse(issues)
    const id = posted.id ?? key ?? randomUUID()
    const queue = type.queues[0]!
    return {
      id,
      type: posted.type,
      user: posted.user,
      queue,
      task: taskIdOf(queue, id),
      fingerprint: createHash("sha256")
        .update(canonical([posted.type, posted.user, posted.data, posted.at ?? null, posted.priority ?? null]))
        .digest("hex"),
      data: JSON.stringify(posted.data),
      awaits: type.queues.length,
      topic: type.topic.name,
      priority: posted.priority,
      at
    }
  })
