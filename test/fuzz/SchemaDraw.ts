/** Values drawn from a JSON Schema, as OpenAPI documents hold them: as many kinds of it as our own documents use. */
import * as fc from "fast-check"
import type { Chance } from "../simulation/Chance.ts"
import { oddValue } from "./odd.ts"

export interface JsonSchema {
  readonly $ref?: string
  readonly type?: string | ReadonlyArray<string>
  readonly enum?: ReadonlyArray<unknown>
  readonly const?: unknown
  readonly anyOf?: ReadonlyArray<JsonSchema>
  readonly oneOf?: ReadonlyArray<JsonSchema>
  readonly allOf?: ReadonlyArray<JsonSchema>
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: ReadonlyArray<string>
  readonly additionalProperties?: boolean | JsonSchema
  readonly items?: JsonSchema | boolean
  readonly minItems?: number
  readonly maxItems?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly format?: string
  readonly pattern?: string
  readonly not?: JsonSchema
}

/** What a reference names, by its last part. */
export type Definitions = Readonly<Record<string, JsonSchema>>

const words = ["anna", "ben", "a b", "é", "\u{1f600}", "user/1", "x", "order-17", "%41", "a?b#c"]

const addressPattern = "^[hH][tT]{2}[pP][sS]?:"
const longestUser = 199

const textOf = (chance: Chance, schema: JsonSchema): string => {
  if (schema.format === "date-time") return chance.of(["2020-01-01T00:00:00Z", "2126-05-05T08:00:00+02:00"])
  // Nobody answers there, and nothing leaves the machine.
  if (schema.pattern?.startsWith(addressPattern) === true) return `http://127.0.0.1:9/${chance.below(10)}`
  if (schema.format === "uuid") return `00000000-0000-4000-8000-00000000000${chance.below(10)}`
  // What no document can say: these 199 are bytes.
  const most = schema.maxLength === longestUser ? Math.floor(longestUser / 4) : schema.maxLength
  let text =
    most !== undefined && chance.is(0.02)
      ? "\u{1f600}".repeat(most)
      : chance.of(words) + (chance.is(0.5) ? String(chance.below(1_000)) : "")
  while (text.length < (schema.minLength ?? 0)) text += "x"
  text = [...text].slice(0, most).join("")
  const pattern = schema.pattern === undefined ? null : new RegExp(schema.pattern, "u")
  if (pattern === null || pattern.test(text)) return text
  return fc.sample(fc.stringMatching(pattern), { seed: chance.below(2 ** 31), numRuns: 1 })[0]!
}

/** One schema of a schema and what is wanted besides: of alternatives that say only more of the members, one. */
const narrowed = (chance: Chance, { allOf = [], ...schema }: JsonSchema): JsonSchema => {
  const members = new Map(Object.entries(schema.properties ?? {}))
  const more: Array<JsonSchema> = []
  for (const part of allOf) {
    if (part.anyOf === undefined || schema.properties === undefined) {
      more.push(part)
      continue
    }
    const { properties, not } = chance.of(part.anyOf)
    for (const [name, member] of Object.entries(properties ?? {})) members.set(name, member)
    for (const name of not?.required ?? []) members.delete(name)
  }
  const properties = schema.properties === undefined ? {} : { properties: Object.fromEntries(members) }
  return Object.assign({}, schema, properties, ...more) as JsonSchema
}

const mostItems = 4
const deepest = 6

/** A value that fits `schema`. */
export const drawValue = (chance: Chance, schema: JsonSchema, all: Definitions, depth = 0): unknown => {
  if (schema.$ref !== undefined) {
    return drawValue(chance, all[schema.$ref.split("/").at(-1)!] ?? {}, all, depth)
  }
  if (schema.allOf !== undefined) return drawValue(chance, narrowed(chance, schema), all, depth)
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return chance.of(schema.enum)
  const choices = schema.anyOf ?? schema.oneOf
  if (choices !== undefined) return drawValue(chance, chance.of(choices), all, depth)
  const type = typeof schema.type === "object" ? chance.of(schema.type) : schema.type
  switch (type) {
    case "string":
      return textOf(chance, schema)
    case "integer": {
      const from = Math.max(schema.minimum ?? -1_000, -1e6)
      return chance.between(from, Math.min(schema.maximum ?? 1_000, 1e6))
    }
    case "number":
      return chance.of([0, -1.5, 3, 1e6])
    case "boolean":
      return chance.is(0.5)
    case "null":
      return null
    case "array": {
      const most = Math.min(schema.maxItems ?? mostItems, depth > deepest ? 0 : mostItems)
      const size = Math.max(schema.minItems ?? 0, chance.between(0, most))
      const items = typeof schema.items === "object" ? schema.items : {}
      return Array.from({ length: size }, () => drawValue(chance, items, all, depth + 1))
    }
    case "object": {
      const made: Record<string, unknown> = {}
      for (const [name, part] of Object.entries(schema.properties ?? {})) {
        const isWanted = schema.required?.includes(name) === true || (depth < deepest && chance.is(0.4))
        if (isWanted) made[name] = drawValue(chance, part, all, depth + 1)
      }
      if (typeof schema.additionalProperties === "object" && schema.properties === undefined) {
        for (let i = chance.below(3); i > 0; i--) {
          made[chance.of(words)] = drawValue(chance, schema.additionalProperties, all, depth + 1)
        }
      }
      return made
    }
    default:
      return oddValue(chance, 2)
  }
}
