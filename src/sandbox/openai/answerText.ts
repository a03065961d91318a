/**
 * What the sandbox model says to a request: JSON by the asked schema, or plain rewritten text; and
 * how scripted faults spoil it.
 */
import type { FaultKind } from "./FaultScript.ts"
import { sourcePostOf } from "./promptReading.ts"
import { rewritePost } from "./rewritePost.ts"
import type { JsonSchema } from "./satisfySchema.ts"
import { satisfySchema, textLimitOf } from "./satisfySchema.ts"

/** The shape asked for: a JSON Schema, any JSON object, or text. */
export type AnswerShape =
  | { readonly kind: "schema"; readonly name: string; readonly schema: JsonSchema }
  | { readonly kind: "json" }
  | { readonly kind: "text" }

/** The good answer of the model to an input (`input` of responses or `messages` of chat). */
export const answerText = (input: unknown, shape: AnswerShape): string => {
  const source = sourcePostOf(input)
  const limit = shape.kind === "schema" ? textLimitOf(shape.schema, /text|body|content|post|caption/i) : Infinity
  const titleLimit = shape.kind === "schema" ? textLimitOf(shape.schema, /title|headline/i) : Infinity
  const rewriting = rewritePost(source, Math.min(900, limit), Math.min(70, titleLimit))
  if (shape.kind === "schema") return JSON.stringify(satisfySchema(shape.schema, rewriting))
  if (shape.kind === "json")
    return JSON.stringify({ title: rewriting.title, text: rewriting.text, tags: rewriting.tags })
  return rewriting.text
}

/** The first field becomes a number no reader of the schema expects, and one field too many appears. */
const mismatched = (text: string): string => {
  const value = JSON.parse(text) as Record<string, unknown>
  const first = Object.keys(value)[0] ?? "value"
  return JSON.stringify({ ...value, [first]: typeof value[first] === "number" ? "seven" : 7, unexpected: true })
}

/** A good JSON answer as the given fault would have it. */
export const spoil = (kind: FaultKind | undefined, text: string): string => {
  switch (kind) {
    case "invalid_json":
      return `Sure! Here is the JSON:\n${text.slice(0, Math.floor(text.length * 0.7))}`
    case "not_finite":
      return text.replace(/:\s*(?:-?\d[\d.eE+-]*|"(?:[^"\\]|\\.)*")/, ": 1e999")
    case "schema_mismatch":
      return text.startsWith("{") ? mismatched(text) : "{}"
    case "empty":
      return ""
    case "truncated":
      return text.slice(0, Math.floor(text.length * 0.5))
    default:
      return text
  }
}
