/**
 * Records drawn from a seed, good and bad in every part, each with what must
 * become of it. What a good value is stands here a second time, by hand: the
 * Schema is what is tested.
 */
import type { OutgoingRecord } from "../../src/broker/Record.ts"
import { makeChance } from "../simulation/Chance.ts"
import type { Chance } from "../simulation/Chance.ts"
import { brokenJson, deepJson, oddBytes, oddText, oddValue } from "./odd.ts"
import { parcels } from "./parcel.ts"

/** `any`: too deep to say whether it can be read; it must end all the same. */
export type Fate = "succeeded" | "invalid" | "any"

export interface DrawnRecord {
  readonly index: number
  readonly record: OutgoingRecord
  readonly fate: Fate
  /** The id it names, where it names one that can be kept. */
  readonly id: string | null
}

const users = 200
const partitions = parcels.partitions
const large = 1_048_576
const deepestSure = 200

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isWithin = (value: unknown, from: number, to: number): boolean =>
  Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to

const own = (value: Record<string, unknown>, name: string): unknown =>
  Object.hasOwn(value, name) ? value[name] : undefined

const isContents = (value: unknown): boolean => {
  if (!isObject(value)) return false
  const text = own(value, "text")
  if (own(value, "kind") === "letter") return typeof text === "string" && text.length <= 100
  return own(value, "kind") === "box" && isWithin(own(value, "grams"), 1, 999)
}

const isTree = (value: unknown): boolean => {
  if (!isObject(value) || typeof own(value, "label") !== "string") return false
  if (!Object.hasOwn(value, "branches")) return true
  const branches = own(value, "branches")
  return Array.isArray(branches) && branches.every(isTree)
}

const optional: Readonly<Record<string, (value: unknown) => boolean>> = {
  contents: isContents,
  stamps: (value) => Array.isArray(value) && value.length <= 5 && value.every((one) => Number.isFinite(one)),
  notes: (value) => isObject(value) && Object.values(value).every((one) => one === null || typeof one === "string"),
  fragile: (value) => typeof value === "boolean",
  tree: isTree
}

const isParcel = (value: unknown): boolean =>
  isObject(value) &&
  Number.isSafeInteger(own(value, "n")) &&
  Object.entries(optional).every(([name, isFit]) => !Object.hasOwn(value, name) || isFit(own(value, name)))

/** Levels of a JSON text, whatever it holds. */
const levelsOf = (text: string): number => {
  let depth = 0
  let deepest = 0
  for (const sign of text) {
    if (sign === "[" || sign === "{") deepest = Math.max(deepest, ++depth)
    else if (sign === "]" || sign === "}") depth--
  }
  return deepest
}

const utf8 = new TextDecoder("utf-8", { fatal: true })

/** What must become of a record with this value. */
export const fateOf = (bytes: Uint8Array | null): Fate => {
  if (bytes === null) return "invalid"
  try {
    const text = utf8.decode(bytes)
    if (levelsOf(text) > deepestSure) return "any"
    return isParcel(JSON.parse(text)) ? "succeeded" : "invalid"
  } catch {
    return "invalid"
  }
}

const treeOf = (chance: Chance, depth: number): unknown => ({
  label: oddText(chance),
  ...(depth > 0 && chance.is(0.5) ? { branches: [treeOf(chance, depth - 1)] } : {})
})

/** A parcel that fits; what is odd in it is allowed. */
const parcelOf = (chance: Chance, n: number): Record<string, unknown> => ({
  n,
  ...(chance.is(0.2) ? { contents: { kind: "letter", text: oddText(chance).slice(0, 100) } } : {}),
  ...(chance.is(0.2) ? { stamps: [1, -0.5, 1e300] } : {}),
  ...(chance.is(0.2) ? { notes: { ["__proto__"]: null, [oddText(chance)]: oddText(chance) } } : {}),
  ...(chance.is(0.1) ? { tree: treeOf(chance, 3) } : {}),
  ...(chance.is(0.2) ? { rest: oddValue(chance) } : {})
})

const spoilers: ReadonlyArray<(chance: Chance, parcel: Record<string, unknown>) => unknown> = [
  (chance, parcel) => ({ ...parcel, n: oddValue(chance, 1) }),
  (chance, parcel) => ({ ...parcel, contents: oddValue(chance) }),
  (chance, parcel) => ({ ...parcel, contents: { kind: "box", grams: chance.of([0, 1, 999, 1_000, 1.5, "1"]) } }),
  (chance, parcel) => ({ ...parcel, stamps: oddValue(chance) }),
  (chance, parcel) => ({ ...parcel, notes: oddValue(chance) }),
  (chance, parcel) => ({ ...parcel, tree: oddValue(chance) }),
  (chance, parcel) => ({ ...parcel, fragile: chance.of(["true", 0, null, true]) }),
  (chance, parcel) => ({ ...parcel, n: undefined, [oddText(chance)]: 1 }),
  (chance) => oddValue(chance, 5),
  (chance, parcel) => [parcel, chance.next()]
]

const valueOf = (chance: Chance, index: number): Buffer | null => {
  const parcel = parcelOf(chance, index)
  const json = JSON.stringify(parcel)
  const roll = chance.next()
  if (roll < 0.55) return Buffer.from(json)
  if (roll < 0.7) return Buffer.from(JSON.stringify(chance.of(spoilers)(chance, parcel)) ?? "")
  if (roll < 0.76) return null
  if (roll < 0.82) return oddBytes(chance, 5_000)
  if (roll < 0.88) return brokenJson(chance, json)
  if (roll < 0.9) return Buffer.alloc(0)
  if (roll < 0.92) return Buffer.from(`\ufeff${json}`)
  if (roll < 0.94) return Buffer.from(json, "utf16le")
  if (roll < 0.96) return Buffer.from(`{"n":1,"rest":"\\ud800","__proto__":{"n":"x"}}`)
  if (roll < 0.97) return Buffer.from(`{"n":1,"tree":${deepJson(chance, chance.of([2_000, 60_000]))}}`)
  if (roll < 0.98) return Buffer.from(`{"n":1,"rest":${deepJson(chance, chance.of([2_000, 60_000]))}}`)
  if (roll < 0.9998) return Buffer.from(`${json}${chance.of(["", " ", "\n", ",", "\0", "1"])}`)
  const filled = "x".repeat(large)
  return chance.is(0.5) ? Buffer.from(JSON.stringify({ n: index, rest: filled })) : Buffer.from(filled)
}

const keyOf = (chance: Chance): Uint8Array | null => {
  const roll = chance.next()
  if (roll < 0.8) return Buffer.from(`u${chance.below(users)}`)
  if (roll < 0.85) return null
  if (roll < 0.88) return new Uint8Array(0)
  if (roll < 0.999) return chance.is(0.5) ? Buffer.from(oddText(chance)) : oddBytes(chance, 300)
  if (chance.is(0.5)) return Buffer.alloc(chance.of([3_000, 100_000]), chance.of(["k", "\0", "é"]))
  // Nothing that repeats itself, so that an index cannot pack it.
  return Buffer.from(Array.from({ length: chance.of([1_024, 1_025, 3_000]) }, () => chance.below(256)))
}

const headerNames = [
  "ce_id",
  "ce_type",
  "ce_flow",
  "ce_priority",
  "ce_time",
  "ce_specversion",
  "ce_source",
  "content-type",
  "traceparent",
  "__proto__",
  "constructor",
  "kafka_dlt-original-topic",
  "x-dlq-task",
  ""
]

const headersOf = (chance: Chance, index: number): Record<string, string> => {
  const headers: Record<string, string> = {}
  const put = (name: string, value: string) =>
    Object.defineProperty(headers, name, { value, enumerable: true, configurable: true, writable: true })
  const roll = chance.next()
  if (roll < 0.3) return headers
  put("ce_id", `r${index}`)
  put("ce_type", parcels.type)
  if (roll < 0.6) return headers
  for (let i = chance.between(1, 4); i > 0; i--) {
    put(
      chance.is(0.9) ? chance.of(headerNames) : oddText(chance),
      chance.is(0.7) ? oddText(chance) : chance.of(["high", "low", "1.0", "parcel", "application/xml"])
    )
  }
  // The id of another one: a repeat, as a producer's retry makes it.
  if (chance.is(0.15)) put("ce_id", `r${Math.max(0, index - chance.between(1, 500))}`)
  // Ids that differ only in what UTF-8 cannot say.
  if (chance.is(0.05)) put("ce_id", `half ${String.fromCharCode(0xd800 + chance.below(0x800))}`)
  return headers
}

const longestId = 256
const longestKey = 1_024

/** The i-th record of a seed. */
export const drawRecord = (seed: number, index: number): DrawnRecord => {
  const chance = makeChance(seed, index)
  const key = keyOf(chance)
  const headers = headersOf(chance, index)
  const value = valueOf(chance, index)
  const id = headers["ce_id"]
  const isKept = id !== undefined && id !== "" && [...id].length <= longestId && !id.includes("\0") && id.isWellFormed()
  return {
    index,
    record: {
      topic: parcels.name,
      key,
      value,
      headers,
      ...(chance.is(0.01) ? { partition: chance.below(partitions) } : {})
    },
    fate: key !== null && key.length > longestKey ? "invalid" : fateOf(value),
    id: isKept ? id : null
  }
}
