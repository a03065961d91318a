/** Sends drawn requests over several connections, judges each answer, and makes what it finds small. */
import { openConnection } from "./Connection.ts"
import type { Connection, Reply } from "./Connection.ts"
import { matcherOf } from "./Operations.ts"
import { drawingOf } from "./requests.ts"
import type { Drawn, Kind, RequestDrawing } from "./requests.ts"
import { faultOf, isClean, jsonOf } from "./verdict.ts"
import { bytesOf, headerOf, isUnfinished, printed, smallerRequests } from "./Wire.ts"
import type { WireRequest } from "./Wire.ts"

export interface Finding {
  readonly seed: number
  readonly index: number
  readonly kind: string
  readonly fault: string
  /** The smallest input that shows it. */
  readonly smallest: string
  /** Whether it shows when it is sent alone. */
  readonly alone: boolean
}

export interface Sent {
  readonly requests: number
  readonly seconds: number
  readonly statuses: Readonly<Record<string, number>>
  readonly findings: ReadonlyArray<Finding>
  /** Ids of events that were accepted. */
  readonly accepted: ReadonlySet<string>
  /** Requests that may have taken effect without an answer. */
  readonly unanswered: number
  /** Targets that undo the pauses that were asked for, whatever became of their answers. */
  readonly resumes: ReadonlySet<string>
  /** Posts that were sent by both ways and answered the same. */
  readonly twoWays: number
}

export interface Sending {
  readonly port: number
  readonly drawing: RequestDrawing
  readonly from: number
  readonly count: number
  readonly connections: number
  readonly progress: (sent: number, findings: number) => void
}

/** A process may be stopped for a while by whoever measures beside it. */
const patienceMs = 240_000
/** So long for one that is not complete, or may be taken for incomplete. */
const unfinishedPatienceMs = 1_000
const mostTries = 300
/** Of one fault, one finding is told. */
const mostFindings = 20
const longestBurst = 6

const other = "application/json; charset=utf-8"

/** The same post by the way that the short way leaves alone; null where it would not have gone the short way. */
const wholeWayOf = (request: WireRequest): WireRequest | null =>
  request.method === "POST" &&
  request.target === "/api/v1/events" &&
  headerOf(request, "content-type") === "application/json" &&
  headerOf(request, "idempotency-key") === undefined
    ? {
        ...request,
        headers: request.headers.map(([name, value]) => [name, name === "content-type" ? other : value] as const)
      }
    : null

const isHangup = new Set(["date", "connection", "keep-alive"])

/** What must be the same whichever way a post went. An event without an id gets another one each time. */
const comparable = (reply: Reply, request: WireRequest): string => {
  if (reply.kind !== "answered") return reply.kind
  const body = jsonOf(reply) as Record<string, unknown> | undefined
  let own: unknown
  try {
    own = (JSON.parse(request.body.toString("utf8")) as { readonly id?: unknown } | null)?.id
  } catch {
    own = undefined
  }
  const names = [...reply.headers.keys()].filter((name) => !isHangup.has(name)).sort()
  const said = reply.status === 202 && own === undefined ? { ...body, eventId: "", taskId: "" } : body
  return JSON.stringify([reply.status, reply.headers.get("content-type"), names, said])
}

const ask = async (connection: Connection, request: WireRequest): Promise<Reply> => {
  connection.send(bytesOf(request))
  return connection.next(request.method, isUnfinished(request) || !isClean(request) ? unfinishedPatienceMs : patienceMs)
}

/** Sends them all; resolves with what was seen. */
export const sendAll = async (sending: Sending): Promise<Sent> => {
  const { port, drawing } = sending
  const draw = drawingOf(drawing)
  const matching = matcherOf(drawing.described)
  const began = performance.now()
  const statuses: Record<string, number> = {}
  const found = new Map<string, { readonly drawn: Drawn; readonly fault: string }>()
  const accepted = new Set<string>()
  const resumes = new Set<string>()
  const end = sending.from + sending.count
  let next = sending.from
  let sent = 0
  let unanswered = 0
  let twoWays = 0

  const verdictOf = (request: WireRequest, kind: Kind, reply: Reply) =>
    faultOf(request, kind, reply, matching(request.target))

  const note = (drawn: Drawn, reply: Reply): void => {
    const { request } = drawn
    const status = reply.kind === "answered" ? String(reply.status) : reply.kind
    statuses[status] = (statuses[status] ?? 0) + 1
    if (reply.kind !== "answered") {
      unanswered++
      return
    }
    if (reply.status === 202 && request.target.startsWith("/api/v1/events")) {
      const body = jsonOf(reply) as { readonly eventId?: string; readonly events?: ReadonlyArray<{ eventId: string }> }
      for (const one of body.events ?? [body as { eventId: string }]) accepted.add(one.eventId)
    }
  }

  const judge = (drawn: Drawn, reply: Reply): void => {
    note(drawn, reply)
    const fault = verdictOf(drawn.request, drawn.kind, reply)
    if (fault !== null && !found.has(fault) && found.size < mostFindings) found.set(fault, { drawn, fault })
  }

  const differs = async (connection: Connection, request: WireRequest): Promise<string | null> => {
    const whole = wholeWayOf(request)
    if (whole === null || !isClean(request) || !connection.isOpen()) return null
    const short = await ask(connection, request)
    if (short.kind !== "answered" || short.closes) return null
    const long = await ask(connection, whole)
    if (long.kind === "closed") return null
    twoWays++
    return comparable(short, request) === comparable(long, request)
      ? null
      : "the short way answers another than the whole"
  }

  const askAnew = async (request: WireRequest): Promise<Reply> => {
    const connection = openConnection(port)
    const reply = await ask(connection, request)
    connection.close()
    return reply
  }

  const worker = async (): Promise<void> => {
    let connection = openConnection(port)
    const reopened = (): Connection => {
      if (!connection.isOpen()) connection = openConnection(port)
      return connection
    }
    while (next < end) {
      const first = draw(next++)
      const burst = [first]
      if (isClean(first.request) && first.index % 40 === 0) {
        while (burst.length < longestBurst && next < end) {
          const more = draw(next++)
          burst.push(more)
          if (!isClean(more.request)) break
        }
      }
      const open = reopened()
      for (const { request } of burst) {
        const resume = request.target.replace(/\/pause(?=\?|$)/, "/resume")
        if (resume !== request.target) resumes.add(resume)
      }
      open.send(
        burst.length === 1 ? bytesOf(first.request) : Buffer.concat(burst.map(({ request }) => bytesOf(request)))
      )
      let isOver = false
      for (const drawn of burst) {
        const { request } = drawn
        const isSound = isClean(request)
        // A reply that closed its connection took those behind it along, unanswered.
        if (isOver) {
          unanswered++
          continue
        }
        const told = await open.next(request.method, isSound ? patienceMs : unfinishedPatienceMs)
        // What was idle may have been closed while the request was on its way: a new connection tells.
        const reply = told.kind === "closed" && drawn === first ? await askAnew(request) : told
        if (drawn === first || reply.kind === "answered") judge(drawn, reply)
        else unanswered++
        isOver = !isSound || told.kind !== "answered" || reply.kind !== "answered" || reply.closes
      }
      sent += burst.length
      if (isOver) open.close()
      else if (first.index % 7 === 0) {
        const fault = await differs(open, first.request)
        if (fault !== null && !found.has(fault)) found.set(fault, { drawn: first, fault })
      }
      sending.progress(sent, found.size)
    }
    connection.close()
  }

  await Promise.all(Array.from({ length: sending.connections }, worker))
  const seconds = (performance.now() - began) / 1_000

  const alone = async (request: WireRequest, kind: Kind, fault: string): Promise<boolean> => {
    const connection = openConnection(port)
    try {
      if (fault.startsWith("the short way")) return (await differs(connection, request)) !== null
      return verdictOf(request, kind, await ask(connection, request)) === fault
    } finally {
      connection.close()
    }
  }

  const findings: Array<Finding> = []
  for (const { drawn, fault } of found.values()) {
    let { request } = drawn
    const isAlone = await alone(request, drawn.kind, fault)
    let tries = 0
    // What is smaller than a valid request need not be valid.
    let isSmaller = isAlone && !fault.endsWith("to a valid request")
    while (isSmaller) {
      isSmaller = false
      for (const less of smallerRequests(request)) {
        if (++tries > mostTries) break
        if (await alone(less, drawn.kind, fault)) {
          request = less
          isSmaller = true
          break
        }
      }
    }
    findings.push({
      seed: drawing.seed,
      index: drawn.index,
      kind: drawn.kind,
      fault,
      smallest: printed(request).replaceAll(drawing.token, "<token>"),
      alone: isAlone
    })
  }
  return { requests: sent, seconds, statuses, findings, accepted, unanswered, resumes, twoWays }
}
