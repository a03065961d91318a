/** What a Schema has against a value, field by field. */
import type { Schema } from "effect"
import { SchemaIssue } from "effect"
import type { FieldIssue } from "./Problems.ts"

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const segment = (key: unknown): string | number =>
  typeof key === "number" ? key : String(typeof key === "object" && key !== null ? (key as { key: unknown }).key : key)

const plainly: Readonly<Record<string, string>> = {
  "Missing key": "is missing",
  "Expected no excess property": "there is no such field"
}

/** Most fields that one answer names. */
const mostIssues = 100

/** The issues of `error`, their paths below `under`. */
export const fieldIssues = (
  error: Schema.SchemaError,
  under: ReadonlyArray<string | number>
): ReadonlyArray<FieldIssue> =>
  formatIssues(error.issue)
    .issues.slice(0, mostIssues)
    .map((issue) => ({
      path: [...under, ...(issue.path ?? []).map(segment)],
      message: plainly[issue.message] ?? issue.message
    }))
