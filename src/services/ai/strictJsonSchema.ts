/**
 * Turns an Effect Schema into the JSON Schema dialect of OpenAI's strict mode and refuses, before
 * anything is sent, a schema that strict mode cannot hold. Limits strict mode does not know stay in
 * the description, so the model still reads them; our own decoder enforces them.
 */
import { Result, Schema } from "effect"

type Json = { readonly [key: string]: unknown }

/** Keywords strict mode takes (developers' guide "Structured model outputs", supported schemas). */
const supported = new Set([
  "type",
  "enum",
  "const",
  "anyOf",
  "$ref",
  "$defs",
  "properties",
  "required",
  "additionalProperties",
  "items",
  "title",
  "description",
  "pattern",
  "format",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minItems",
  "maxItems"
])

const words: Readonly<Record<string, (value: unknown) => string>> = {
  minLength: (n) => `at least ${String(n)} characters`,
  maxLength: (n) => `at most ${String(n)} characters`,
  uniqueItems: () => "no item twice"
}

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const admitsNonFinite = (branches: ReadonlyArray<unknown>): boolean =>
  branches.some((branch) => isObject(branch) && Array.isArray(branch["enum"]) && branch["enum"].includes("NaN"))

/** Effect writes several checks of one value as `allOf`; strict mode wants them in one node. */
const flattenAllOf = (node: Json): Json => {
  if (!Array.isArray(node["allOf"])) return node
  const { allOf, ...rest } = node
  return Object.assign(rest, ...(allOf as ReadonlyArray<Json>)) as Json
}

const objectProblem = (node: Json, path: string): string | undefined => {
  const required = new Set((node["required"] as ReadonlyArray<string> | undefined) ?? [])
  const optional = Object.keys((node["properties"] as Json | undefined) ?? {}).find((name) => !required.has(name))
  if (optional !== undefined) return `${path}/${optional} is optional: strict mode needs Schema.NullOr instead`
  return node["additionalProperties"] === false
    ? undefined
    : `${path === "" ? "/" : path} is a record: strict mode needs a struct with named fields`
}

/** Copies what strict mode takes; whatever it cannot hold is told in `problems`. */
const convert = (raw: unknown, path: string, problems: Array<string>): Json => {
  const out: Record<string, unknown> = {}
  const notes: Array<string> = []
  const each = (value: unknown) =>
    Object.fromEntries(
      Object.entries(value as Json).map(([name, node]) => [name, convert(node, `${path}/${name}`, problems)])
    )
  for (const [key, value] of isObject(raw) ? Object.entries(flattenAllOf(raw)) : []) {
    if (key === "properties") out[key] = each(value)
    else if (key === "items") out[key] = convert(value, `${path}/items`, problems)
    else if (key === "anyOf" || key === "oneOf") {
      const branches = value as ReadonlyArray<unknown>
      if (admitsNonFinite(branches))
        problems.push(`${path} admits NaN and Infinity: use Schema.Finite or Schema.Int instead`)
      out["anyOf"] = branches.map((branch, i) => convert(branch, `${path}/anyOf/${i}`, problems))
    } else if (key === "prefixItems") problems.push(`${path} is a tuple: strict mode needs an array or a struct`)
    else if (supported.has(key)) out[key] = value
    else if (words[key] !== undefined) notes.push(words[key](value))
  }
  if (out["type"] === undefined && out["anyOf"] === undefined && out["$ref"] === undefined && out["enum"] === undefined)
    problems.push(`${path === "" ? "/" : path} allows any value: strict mode needs a type`)
  const wrong = out["type"] === "object" ? objectProblem(out, path) : undefined
  if (wrong !== undefined) problems.push(wrong)
  if (notes.length > 0)
    out["description"] = [out["description"], notes.join(", ")].filter((part) => typeof part === "string").join("; ")
  return out
}

const documentOf = (schema: Schema.Constraint) =>
  Result.try({
    try: () => Schema.toJsonSchemaDocument(schema, { onExcessProperty: "error" }),
    catch: (cause) => (cause instanceof Error ? cause.message : String(cause))
  })

/**
 * The strict JSON Schema of an Effect Schema, or one sentence that says which field strict mode
 * cannot hold (optional keys, records, tuples, untyped values, numbers that admit NaN or Infinity).
 */
export const strictJsonSchema = (schema: Schema.Constraint): Result.Result<Json, string> =>
  Result.flatMap(documentOf(schema), (document) => {
    const problems: Array<string> = []
    const deref = isObject(document.schema) ? document.schema["$ref"] : undefined
    const name = typeof deref === "string" ? deref.replace("#/$defs/", "") : undefined
    const root = convert(name === undefined ? document.schema : document.definitions[name], "", problems)
    const defs = Object.fromEntries(
      Object.entries(document.definitions).map(([key, node]) => [key, convert(node, `/$defs/${key}`, problems)])
    )
    if (root["type"] !== "object") problems.unshift("the root must be a struct: strict mode takes objects only")
    if (problems[0] !== undefined) return Result.fail(problems[0])
    return Result.succeed(Object.keys(defs).length === 0 ? root : { ...root, $defs: defs })
  })
