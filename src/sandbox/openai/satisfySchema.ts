/**
 * Builds a value that satisfies a strict JSON Schema. Names of fields are hints (a `title` gets the
 * title); where there is no hint the smallest honest value is taken.
 */
import type { Rewriting } from "./rewritePost.ts"
import { clip } from "./rewritePost.ts"
import { sampleOfPattern } from "./sampleOfPattern.ts"

/** A JSON Schema node. */
export type JsonSchema = { readonly [key: string]: unknown }

const hints: ReadonlyArray<readonly [RegExp, (r: Rewriting) => string | ReadonlyArray<string>]> = [
  [/^(?:title|headline|heading|subject)$/i, (r) => r.title],
  [/image|illustration|picture.*prompt/i, (r) => r.imagePrompt],
  [/^alt/i, (r) => r.altText],
  [/tag|keyword|topic/i, (r) => r.tags],
  [/^lang/i, (r) => r.language],
  [/text|body|content|post|caption|summary|message|answer|output/i, (r) => r.text]
]

const formats: Readonly<Record<string, string>> = {
  "date-time": "2026-01-01T00:00:00Z",
  date: "2026-01-01",
  time: "00:00:00Z",
  duration: "PT1M",
  email: "editor@example.org",
  hostname: "example.org",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  uuid: "00000000-0000-4000-8000-000000000000",
  uri: "https://example.org/"
}

const number = (value: unknown, otherwise: number) => (typeof value === "number" ? value : otherwise)

/** The limit of a string: `maxLength`, or "at most N characters" in its description. */
const maxLengthOf = (schema: JsonSchema): number => {
  const told = /at most (\d+) characters/.exec(typeof schema["description"] === "string" ? schema["description"] : "")
  return number(schema["maxLength"], told === null ? Number.POSITIVE_INFINITY : Number(told[1]))
}

const stringFor = (schema: JsonSchema, hint: string, rewriting: Rewriting): string => {
  if (typeof schema["format"] === "string" && formats[schema["format"]] !== undefined)
    return formats[schema["format"]] ?? ""
  const limit = maxLengthOf(schema)
  const text = clip(hint, limit)
  if (typeof schema["pattern"] === "string") {
    const pattern = new RegExp(schema["pattern"], "u")
    return pattern.test(text)
      ? text
      : (rewriting.tags.find((tag) => pattern.test(tag)) ?? sampleOfPattern(schema["pattern"]))
  }
  const least = number(schema["minLength"], 0)
  return text.length >= least ? text : text.padEnd(least, ".")
}

const numberFor = (schema: JsonSchema): number => {
  const step = number(schema["multipleOf"], schema["type"] === "integer" ? 1 : 0)
  const low = Math.max(
    number(schema["minimum"], -Infinity),
    number(schema["exclusiveMinimum"], -Infinity) + (step || 1e-6)
  )
  const high = Math.min(
    number(schema["maximum"], Infinity),
    number(schema["exclusiveMaximum"], Infinity) - (step || 1e-6)
  )
  const value = Math.min(Math.max(1, low), high)
  return step === 0 ? value : low > 1 ? Math.ceil(value / step) * step : Math.floor(value / step) * step
}

const typeOf = (schema: JsonSchema): unknown => {
  const type = schema["type"]
  return Array.isArray(type) ? (type.find((t) => t !== "null") ?? "null") : type
}

/** Builds values of one document: `$ref`s are looked up in `root`, texts come from `rewriting`. */
export const satisfySchema = (root: JsonSchema, rewriting: Rewriting): unknown => {
  const resolve = (schema: JsonSchema): JsonSchema => {
    const ref = schema["$ref"]
    if (typeof ref !== "string") return schema
    if (ref === "#") return root
    const found = ref
      .split("/")
      .slice(1)
      .reduce<unknown>((node, key) => (node as JsonSchema | undefined)?.[key], root)
    return (found ?? {}) as JsonSchema
  }
  const build = (raw: JsonSchema, name: string, depth: number): unknown => {
    const schema = resolve(raw)
    if ("const" in schema) return schema["const"]
    if (Array.isArray(schema["enum"])) {
      return schema["enum"].includes(rewriting.language) ? rewriting.language : schema["enum"][0]
    }
    if (Array.isArray(schema["anyOf"])) {
      const branches = schema["anyOf"] as ReadonlyArray<JsonSchema>
      const isNull = (branch: JsonSchema) => resolve(branch)["type"] === "null"
      const chosen = depth > 6 ? branches.find(isNull) : branches.find((branch) => !isNull(branch))
      return build(chosen ?? branches[0] ?? {}, name, depth + 1)
    }
    const hint = hints.find(([pattern]) => pattern.test(name))?.[1](rewriting)
    switch (typeOf(schema)) {
      case "object":
        return Object.fromEntries(
          Object.entries((schema["properties"] as Record<string, JsonSchema> | undefined) ?? {}).map(([key, node]) => [
            key,
            build(node, key, depth + 1)
          ])
        )
      case "array": {
        const items = (schema["items"] as JsonSchema | undefined) ?? {}
        const least = number(schema["minItems"], 0)
        const wanted =
          depth > 6
            ? least
            : Math.min(Math.max(least, Array.isArray(hint) ? hint.length : 1), number(schema["maxItems"], 8))
        return Array.from({ length: wanted }, (_, i) =>
          typeOf(resolve(items)) === "string" && !("enum" in resolve(items))
            ? stringFor(
                resolve(items),
                Array.isArray(hint) ? (hint[i] ?? `${rewriting.language}${i}`) : `${name}${i + 1}`,
                rewriting
              )
            : build(items, name, depth + 1)
        )
      }
      case "number":
      case "integer":
        return numberFor(schema)
      case "boolean":
        return true
      case "null":
        return null
      default:
        return stringFor(
          schema,
          Array.isArray(hint) ? hint.join(" ") : ((hint as string | undefined) ?? rewriting.title),
          rewriting
        )
    }
  }
  return build(root, "", 0)
}

/** The limit that a schema sets to its field of the given name, to write to length. */
export const textLimitOf = (root: JsonSchema, name: RegExp): number => {
  const properties = (root["properties"] as Record<string, JsonSchema> | undefined) ?? {}
  const field = Object.entries(properties).find(([key]) => name.test(key))?.[1]
  return field === undefined ? Number.POSITIVE_INFINITY : maxLengthOf(field)
}
