/**
 * From a posted event to a checked one: the type must be known, the data must
 * fit its schema, and the whole must be something that can be stored. Every
 * objection names its field.
 */
import { Effect, Result, Schema } from "effect"
import { createHash, randomUUID } from "node:crypto"
import { taskIdOf } from "../domain/ids.ts"
import type { CheckedEvent } from "../journal/EventIntake.ts"
import type { PostedEvent } from "./Contract.ts"
import { EventTypes } from "./EventTypes.ts"
import type { EventType } from "./EventTypes.ts"
import { fieldIssues } from "./fieldIssues.ts"
import { instantShape, readInstant } from "./instant.ts"
import type { FieldIssue } from "./Problems.ts"
import { BadRequest } from "./Problems.ts"

const issuesOf = (type: EventType, data: unknown): ReadonlyArray<FieldIssue> => {
  const decoded = Schema.decodeUnknownResult(type.topic.value, { errors: "all", onExcessProperty: "error" })(data)
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

/** JSON with sorted keys, so that the same body has the same fingerprint however it was written. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item
  )

const textFields = ["type", "user", "id"] as const

/** Half of a surrogate pair has no UTF-8: it would come back as another text than was sent. */
const isWellFormed = (text: string): boolean => text.isWellFormed()

/** Checks one event; `key` is the Idempotency-Key where there was one, `path` the place of the event in the request. */
export const check = (
  posted: PostedEvent,
  key: string | undefined,
  path: ReadonlyArray<string | number>
): Effect.Effect<CheckedEvent, BadRequest, EventTypes> =>
  Effect.gen(function* () {
    const types = yield* EventTypes
    const issues: Array<FieldIssue> = []
    for (const name of textFields) {
      if (!isWellFormed(posted[name] ?? "")) issues.push({ path: [name], message: "holds half of a surrogate pair" })
    }
    const at = readInstant(posted.at)
    if (at === undefined) issues.push({ path: ["at"], message: instantShape })
    if (key !== undefined && posted.id !== undefined && key !== posted.id) {
      issues.push({ path: ["id"], message: "differs from the Idempotency-Key header: send one of them" })
    }
    const type = types.get(posted.type)
    if (type === undefined) {
      issues.push({ path: ["type"], message: `no such event type; known are ${[...types.keys()].join(", ")}` })
    } else if (depthOf(posted.data, deepest + 1) > deepest) {
      issues.push({ path: ["data"], message: `is nested more than ${deepest} levels deep` })
    } else issues.push(...issuesOf(type, posted.data))
    if (issues.length > 0 || type === undefined || at === undefined) {
      return yield* BadRequest.of(
        "the event cannot be accepted",
        issues.map((issue) => ({ path: [...path, ...issue.path], message: issue.message }))
      )
    }
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
