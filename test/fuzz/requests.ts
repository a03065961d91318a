/**
 * Requests drawn from an OpenAPI document: valid, nearly valid, wild. The i-th
 * request of a seed is the same whatever was sent before it, so that any one
 * can be drawn again alone.
 */
import { taskIdOf } from "../../src/domain/ids.ts"
import { makeChance } from "../simulation/Chance.ts"
import type { Chance } from "../simulation/Chance.ts"
import { brokenJson, deepJson, oddBytes, oddText, oddValue } from "./odd.ts"
import type { Described, Operation, Parameter } from "./Operations.ts"
import { drawValue } from "./SchemaDraw.ts"
import type { JsonSchema } from "./SchemaDraw.ts"
import type { Framing, WireRequest } from "./Wire.ts"

export type Kind = "valid" | "nearly" | "wild"

export interface Drawn {
  readonly index: number
  readonly kind: Kind
  readonly request: WireRequest
}

export interface RequestDrawing {
  readonly described: Described
  readonly token: string
  readonly seed: number
  /** Schemas of the data of each event type; the first one's queue is at work. */
  readonly types: ReadonlyArray<{ readonly type: string; readonly data: JsonSchema; readonly definitions: object }>
  readonly queue: string
}

/** How often an operation is drawn; lists and metrics cost a hundred posts each. */
const weights: Readonly<Record<string, number>> = {
  "POST /api/v1/events": 560,
  "POST /api/v1/events/batch": 30,
  "GET /api/v1/events/{id}": 90,
  "POST /api/v1/events/{id}/cancel": 15,
  "GET /api/v1/tasks": 12,
  "GET /api/v1/tasks/{id}": 90,
  "POST /api/v1/tasks/{id}/cancel": 30,
  "POST /api/v1/tasks/{id}/retry": 30,
  "GET /api/v1/queues": 6,
  "POST /api/v1/queues/{name}/pause": 4,
  "POST /api/v1/queues/{name}/resume": 12,
  "GET /api/v1/users/{id}/mailbox": 30,
  "POST /api/v1/users/{id}/pause": 8,
  "POST /api/v1/users/{id}/resume": 24,
  "GET /api/v1/metrics": 2
}
const otherwise = 20

const knownIds = 4_000
const knownUsers = 300
const shareOfType = 0.9

const known = (chance: Chance): string => `e${chance.below(knownIds)}`

const encoded = (text: string): string => {
  try {
    return encodeURIComponent(text)
  } catch {
    return "%ED%A0%80"
  }
}

const eventOf = (chance: Chance, drawing: RequestDrawing, index: number): Record<string, unknown> => {
  const id = known(chance)
  // The same id has the same body most of the time: a repeat, and no conflict.
  const own = chance.is(0.85) ? makeChance(Number(id.slice(1)), drawing.seed) : chance
  const made = own.is(shareOfType) ? drawing.types[0]! : own.of(drawing.types)
  const event: Record<string, unknown> = {
    type: made.type,
    user: `u${own.below(knownUsers)}`,
    data: drawValue(own, made.data, made.definitions as Described["definitions"])
  }
  if (own.is(0.1)) event["priority"] = own.of(["high", "medium", "low"])
  if (own.is(0.03)) event["at"] = own.of(["2020-02-02T00:00:00Z", "2126-05-05T08:00:00+02:00"])
  const roll = chance.next()
  if (roll < 0.6) event["id"] = id
  else if (roll < 0.8) event["id"] = `f${drawing.seed}-${index}`
  return event
}

const bodyOf = (chance: Chance, drawing: RequestDrawing, operation: Operation, index: number): unknown => {
  if (operation.path.endsWith("/events")) return eventOf(chance, drawing, index)
  if (operation.path.endsWith("/batch")) {
    const size = chance.is(0.02) ? 300 : chance.between(1, 4)
    return { events: Array.from({ length: size }, () => eventOf(chance, drawing, index)) }
  }
  return operation.body === null ? undefined : drawValue(chance, operation.body, drawing.described.definitions)
}

const pathValue = (chance: Chance, drawing: RequestDrawing, { path }: Operation): string => {
  if (path.includes("/tasks/") || path.includes("/items/")) return taskIdOf(drawing.queue, known(chance))
  if (path.includes("/users/")) return `u${chance.below(knownUsers)}`
  if (path.includes("/queues/")) return chance.is(0.7) ? drawing.queue : "none"
  return known(chance)
}

/** Parameters of which one at least is needed, which no document can say. */
const needed: ReadonlySet<string> = new Set(["/api/v1/items owner", "/api/v1/search q"])

const queryValue = (chance: Chance, drawing: RequestDrawing, { name, schema }: Parameter): string => {
  switch (name) {
    case "q":
      return chance.of(["anna", "a b", "é"])
    case "flow":
      return known(chance)
    case "user":
      return `u${chance.below(knownUsers)}`
    default:
      return String(drawValue(chance, schema, drawing.described.definitions))
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

interface Parts {
  method: string
  segments: Array<string>
  query: Array<[string, string]>
  headers: Array<readonly [string, string]>
  body: unknown
  raw: Buffer | null
  framing: Framing
  version: string
}

const validParts = (chance: Chance, drawing: RequestDrawing, operation: Operation, index: number): Parts => {
  const body = bodyOf(chance, drawing, operation, index)
  const headers: Array<readonly [string, string]> = [
    ["host", "127.0.0.1"],
    ["authorization", `Bearer ${drawing.token}`]
  ]
  if (body !== undefined) {
    headers.push(["content-type", chance.is(0.8) ? "application/json" : "application/json; charset=utf-8"])
  }
  const query: Array<[string, string]> = []
  for (const parameter of operation.parameters) {
    const isWanted = parameter.required === true || needed.has(`${operation.path} ${parameter.name}`) || chance.is(0.2)
    if (parameter.in === "query" && isWanted) query.push([parameter.name, queryValue(chance, drawing, parameter)])
    const isNamed = isRecord(body) && "id" in body
    if (parameter.in === "header" && chance.is(isNamed ? 0.03 : 0.15)) headers.push([parameter.name, `k${index}`])
  }
  return {
    method: operation.method,
    segments: operation.path
      .split("/")
      .map((part) => (part.startsWith("{") ? pathValue(chance, drawing, operation) : part)),
    query,
    headers,
    body,
    raw: null,
    framing: body === undefined ? "none" : chance.is(0.9) ? "length" : "chunked",
    version: "HTTP/1.1"
  }
}

const set = (record: object, name: string, value: unknown): void => {
  Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true })
}

/** Spoils one member somewhere in a JSON value. */
const spoil = (chance: Chance, value: unknown): unknown => {
  if (Array.isArray(value) && value.length > 0 && chance.is(0.8)) {
    const at = chance.below(value.length)
    return value.with(at, spoil(chance, value[at]))
  }
  if (!isRecord(value)) return oddValue(chance, 2)
  const names = Object.keys(value)
  const copy = { ...value }
  const name = names.length === 0 ? "x" : chance.of(names)
  switch (chance.below(6)) {
    case 0:
      delete copy[name]
      return copy
    case 1:
      set(copy, oddText(chance), oddValue(chance, 1))
      return copy
    case 2:
      set(copy, name, oddText(chance))
      return copy
    case 3:
      set(copy, name, oddValue(chance, 3))
      return copy
    default:
      set(copy, name, spoil(chance, copy[name]))
      return copy
  }
}

const contentTypes = [
  "text/plain",
  "application/x-www-form-urlencoded",
  "application/xml",
  "multipart/form-data; boundary=x",
  "application/json;charset=utf-16",
  "application/json; charset=",
  "APPLICATION/JSON",
  "application/problem+json",
  "json",
  ""
]

const nearMisses: ReadonlyArray<(chance: Chance, parts: Parts) => void> = [
  (chance, parts) => (parts.body = spoil(chance, parts.body)),
  (chance, parts) => (parts.body = spoil(chance, parts.body)),
  (chance, parts) => (parts.body = spoil(chance, spoil(chance, parts.body))),
  (chance, parts) => (parts.raw = brokenJson(chance, JSON.stringify(parts.body ?? {}))),
  (chance, parts) => (parts.raw = Buffer.from(`{"type":"parcel","user":"u1","data":${deepJson(chance, 30_000)}}`)),
  (chance, parts) => {
    const at = chance.between(3, Math.max(3, parts.segments.length - 1))
    parts.segments[at] = oddText(chance)
  },
  (chance, parts) =>
    parts.query.push([
      chance.is(0.5) ? oddText(chance) : chance.of(["limit", "status", "cursor", "q", "since"]),
      oddText(chance)
    ]),
  (chance, parts) => {
    parts.headers = parts.headers.filter(([name]) => name !== "content-type")
    parts.headers.push(["content-type", chance.of(contentTypes)])
  },
  (chance, parts) => {
    parts.headers = parts.headers.filter(([name]) => name !== "authorization")
    const wrong = [
      "",
      "Bearer",
      "Bearer ",
      "Basic YTpi",
      "Bearer pr_000000000000.x",
      "bearer x",
      `Bearer ${"x".repeat(500)}`
    ]
    if (chance.is(0.8)) parts.headers.push(["authorization", chance.of(wrong)])
  },
  (chance, parts) => (parts.method = chance.of(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])),
  (chance, parts) =>
    parts.headers.push(["idempotency-key", chance.of(["", "k", "a b", "..", "x".repeat(201), "\xe9", "__proto__"])])
]

const methods = [
  "GET",
  "POST",
  "TRACE",
  "CONNECT",
  "PROPFIND",
  "QUERY",
  "M-SEARCH",
  "get",
  "G\0T",
  "",
  "POST POST",
  "ÄÖ"
]
const versions = ["HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/1.1 ", "http/1.1", ""]
const oddHeaders: ReadonlyArray<readonly [string, string]> = [
  ["expect", "100-continue"],
  ["expect", "a miracle"],
  ["upgrade", "websocket"],
  ["connection", "upgrade"],
  ["connection", "close"],
  ["connection", "keep-alive, x"],
  ["transfer-encoding", "gzip"],
  ["transfer-encoding", "chunked, chunked"],
  ["content-length", "5"],
  ["content-length", "-1"],
  ["content-length", "1e3"],
  ["content-encoding", "gzip"],
  ["accept", "text/html"],
  ["accept-encoding", "br"],
  ["host", "a, b"],
  ["host", ""],
  ["x".repeat(300), "1"],
  ["x-long", "x".repeat(20_000)],
  ["bad name", "1"],
  ["x-nul", "a\0b"],
  ["x-bell", "\x07"],
  ["x-utf8", "\u{1f600}"],
  ["__proto__", "1"],
  ["cookie", "session=x"],
  ["x-forwarded-for", "::1"],
  ["traceparent", "00-0-0-0"],
  ["traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
  ["range", "bytes=0-1"],
  ["if-none-match", "*"],
  ["origin", "null"]
]

const wilder: ReadonlyArray<(chance: Chance, parts: Parts) => void> = [
  (chance, parts) => (parts.method = chance.of(methods)),
  (chance, parts) => (parts.version = chance.of(versions)),
  (chance, parts) => parts.headers.push(chance.of(oddHeaders)),
  (chance, parts) => parts.headers.push(chance.of(oddHeaders), chance.of(oddHeaders)),
  (chance, parts) => (parts.headers = parts.headers.filter(() => chance.is(0.5))),
  (chance, parts) => (parts.raw = oddBytes(chance, 300_000)),
  (chance, parts) => (parts.raw = Buffer.from(deepJson(chance, 250_000))),
  (chance, parts) => (parts.body = oddValue(chance, 5)),
  (chance, parts) => (parts.framing = chance.of(["none", "bare", "chunked", "length"] as const)),
  (chance, parts) => (parts.segments = Array.from({ length: chance.below(8) }, () => oddText(chance))),
  (chance, parts) => {
    for (let i = chance.below(6); i > 0; i--) parts.query.push([oddText(chance), oddText(chance)])
  },
  (chance, parts) => {
    if (chance.is(0.15)) parts.framing = chance.of(["short", "endless"] as const)
    if (parts.framing === "endless" && chance.is(0.3)) parts.raw = Buffer.alloc(400_000, "a")
  }
]

const targets = [
  "*",
  "",
  "http://127.0.0.1/api/v1/queues",
  "//",
  "/..",
  "?",
  "#",
  "/api/v1/tasks?%",
  "/api//v1/queues",
  "/%"
]

const requestOf = (chance: Chance, parts: Parts, isWild: boolean): WireRequest => {
  // In a wild one, what stands in the target may go out as it is.
  const write = isWild && chance.is(0.2) ? (text: string) => text : encoded
  const query = parts.query.map(([name, value]) => `${write(name)}=${write(value)}`).join("&")
  const path = parts.segments.map(write).join("/")
  const target = isWild && chance.is(0.05) ? chance.of(targets) : query === "" ? path : `${path}?${query}`
  const text = parts.raw ?? (parts.body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(parts.body) ?? ""))
  return {
    method: parts.method,
    target,
    version: parts.version,
    headers: parts.headers,
    body: text,
    framing: parts.framing === "none" && text.length > 0 && !isWild ? "length" : parts.framing
  }
}

/** Draws requests of one seed by their number. */
export const drawingOf = (drawing: RequestDrawing): ((index: number) => Drawn) => {
  const drawn = drawing.described.operations.flatMap((operation) => {
    const weight = weights[`${operation.method} ${operation.path}`] ?? otherwise
    return Array.from({ length: weight }, () => operation)
  })
  return (index) => {
    const chance = makeChance(drawing.seed, index)
    const parts = validParts(chance, drawing, chance.of(drawn), index)
    const roll = chance.next()
    const kind: Kind = roll < 0.4 ? "valid" : roll < 0.8 ? "nearly" : "wild"
    if (kind === "nearly") chance.of(nearMisses)(chance, parts)
    if (kind === "wild") {
      for (let i = chance.between(1, 3); i > 0; i--) chance.of(wilder)(chance, parts)
      if (chance.is(0.3)) chance.of(nearMisses)(chance, parts)
    }
    return { index, kind, request: requestOf(chance, parts, kind === "wild") }
  }
}
