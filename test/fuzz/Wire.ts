/**
 * A request as it goes over the wire, as data: what is generated, sent, printed
 * and made smaller. Nothing here corrects what is wrong with it.
 */

/** How the body is framed; `short` and `endless` never send all of what they announce. */
export type Framing = "none" | "length" | "chunked" | "short" | "endless" | "bare"

export interface WireRequest {
  readonly method: string
  readonly target: string
  readonly version: string
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  readonly body: Buffer
  readonly framing: Framing
}

/** One header of a request, by its lower-case name. */
export const headerOf = ({ headers }: WireRequest, wanted: string): string | undefined =>
  headers.find(([name]) => name.toLowerCase() === wanted)?.[1]

const crlf = "\r\n"

const chunked = (body: Buffer): Buffer => {
  const parts: Array<Buffer> = []
  const size = Math.max(1, Math.ceil(body.length / 3))
  for (let at = 0; at < body.length; at += size) {
    const part = body.subarray(at, at + size)
    parts.push(Buffer.from(part.length.toString(16) + crlf, "latin1"), part, Buffer.from(crlf, "latin1"))
  }
  return Buffer.concat(parts)
}

const framed = (body: Buffer, framing: Framing): readonly [ReadonlyArray<string>, Buffer] => {
  switch (framing) {
    case "none":
      return [[], Buffer.alloc(0)]
    case "bare":
      return [[], body]
    case "length":
      return [[`content-length: ${body.length}`], body]
    case "short":
      return [[`content-length: ${body.length + 7}`], body]
    case "chunked":
      return [["transfer-encoding: chunked"], Buffer.concat([chunked(body), Buffer.from(`0${crlf}${crlf}`, "latin1")])]
    case "endless":
      return [["transfer-encoding: chunked"], chunked(body)]
  }
}

/** The bytes of a request. */
export const bytesOf = (request: WireRequest): Buffer => {
  const [extra, body] = framed(request.body, request.framing)
  const head = [
    `${request.method} ${request.target} ${request.version}`,
    ...request.headers.map(([name, value]) => `${name}: ${value}`),
    ...extra
  ]
  // What stands above latin1 goes as UTF-8: clients do that.
  const text = head.join(crlf) + crlf + crlf
  const isLatin = /^[\0-\xff]*$/.test(text)
  return Buffer.concat([Buffer.from(text, isLatin ? "latin1" : "utf8"), body])
}

/** Whether its sender leaves it unfinished: the answer may come late or never. */
export const isUnfinished = ({ framing }: WireRequest): boolean => framing === "short" || framing === "endless"

const mostPrinted = 2_000

/** A request for people, its body as far as it can be read. */
export const printed = (request: WireRequest): string => {
  const text = bytesOf(request).toString("latin1")
  return JSON.stringify(text.length > mostPrinted ? `${text.slice(0, mostPrinted)}… (${text.length} bytes)` : text)
}

const withoutEach = <A>(items: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  items.map((_, i) => items.filter((_, j) => j !== i))

const halves = (text: string): ReadonlyArray<string> => {
  const half = Math.floor(text.length / 2)
  return text.length < 2 ? [] : [text.slice(0, half), text.slice(half)]
}

const parsed = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString("utf8")) as unknown
  } catch {
    return undefined
  }
}

/** Smaller values than a JSON value, the smallest first. */
const smaller = (value: unknown): ReadonlyArray<unknown> => {
  if (typeof value === "string") return halves(value)
  if (typeof value !== "object" || value === null) return []
  if (Array.isArray(value)) {
    return [
      ...withoutEach(value),
      ...value.flatMap((item, i) => smaller(item).map((less) => value.with(i, less) as unknown))
    ]
  }
  const entries = Object.entries(value)
  return [
    ...withoutEach(entries).map((some) => Object.fromEntries(some) as unknown),
    ...entries.flatMap(([name, item]) => smaller(item).map((less) => ({ ...value, [name]: less }) as unknown))
  ]
}

const mostOffers = 200

const smallerBodies = (body: Buffer): ReadonlyArray<Buffer> => {
  if (body.length === 0) return []
  const value = parsed(body)
  const half = Math.floor(body.length / 2)
  const cuts = [Buffer.alloc(0), body.subarray(0, half), body.subarray(half)]
  if (value === undefined || body.length > 20_000) return cuts
  return [...cuts, ...smaller(value).map((less) => Buffer.from(JSON.stringify(less)))].slice(0, mostOffers)
}

/** Requests that are smaller than this one: a finding is told by the smallest that shows it. */
export const smallerRequests = (request: WireRequest): ReadonlyArray<WireRequest> => [
  ...withoutEach(request.headers).map((headers) => ({ ...request, headers })),
  ...smallerBodies(request.body).map((body) => ({ ...request, body })),
  ...(request.target.length > 12
    ? halves(request.target.slice(8)).map((rest) => ({ ...request, target: request.target.slice(0, 8) + rest }))
    : []),
  ...request.headers.flatMap(([name, value], i) =>
    halves(value).map((less) => ({ ...request, headers: request.headers.with(i, [name, less] as const) }))
  )
]
