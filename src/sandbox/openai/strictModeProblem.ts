/**
 * The check OpenAI makes before it accepts a strict JSON Schema: every object closed, every property
 * required, the root an object. Without it a schema that works here would fail in production.
 */
import type { JsonSchema } from "./satisfySchema.ts"

const isNode = (value: unknown): value is JsonSchema =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const refused = ["allOf", "oneOf", "not", "if", "prefixItems", "patternProperties", "uniqueItems"]

const problemIn = (node: unknown, path: ReadonlyArray<string>): string | undefined => {
  if (!isNode(node)) return undefined
  const context = `In context=(${path.map((part) => `'${part}'`).join(", ")})`
  const keyword = refused.find((key) => key in node)
  if (keyword !== undefined) return `${context}, '${keyword}' is not permitted.`
  const properties = isNode(node["properties"]) ? node["properties"] : {}
  if (node["type"] === "object") {
    if (node["additionalProperties"] !== false)
      return `${context}, 'additionalProperties' is required to be supplied and to be false.`
    const required = Array.isArray(node["required"]) ? node["required"] : []
    const missing = Object.keys(properties).find((name) => !required.includes(name))
    if (missing !== undefined)
      return `${context}, 'required' is required to be supplied and to be an array including every key in properties. Missing '${missing}'.`
  }
  const children: ReadonlyArray<readonly [ReadonlyArray<string>, unknown]> = [
    ...Object.entries(properties).map(([name, child]) => [["properties", name], child] as const),
    ...Object.entries(isNode(node["$defs"]) ? node["$defs"] : {}).map(
      ([name, child]) => [["$defs", name], child] as const
    ),
    ...(Array.isArray(node["anyOf"]) ? node["anyOf"] : []).map((child, i) => [["anyOf", String(i)], child] as const),
    ...(node["items"] === undefined ? [] : [[["items"], node["items"]] as const])
  ]
  return children.map(([step, child]) => problemIn(child, [...path, ...step])).find((problem) => problem !== undefined)
}

/** OpenAI's words about the first thing strict mode refuses in a schema, or undefined when it is fine. */
export const strictModeProblem = (name: string, schema: unknown): string | undefined => {
  if (!isNode(schema) || schema["type"] !== "object")
    return `Invalid schema for response_format '${name}': schema must be a JSON Schema of 'type: "object"'.`
  const problem = problemIn(schema, [])
  return problem === undefined ? undefined : `Invalid schema for response_format '${name}': ${problem}`
}
