/**
 * An open-loop client: `node http-client.ts <baseUrl> <token> <perSecond> <seconds> <connections>`.
 * Posts one event per planned moment, whether answers come or not, and counts
 * each answer's time from the planned moment, so that a server that stalls is
 * not spared the requests it held up.
 */
import * as fs from "node:fs"
import * as net from "node:net"
import { quantile } from "../support/Figures.ts"
import { endWithParent } from "../support/endWithParent.ts"

/** What the client saw. */
export interface HttpReport {
  readonly accepted: number
  readonly refused: number
  readonly seconds: number
  readonly times: ReadonlyArray<number>
}

interface Line {
  readonly socket: net.Socket
  text: string
  plannedAt: number
}

endWithParent()
const [, , baseUrl = "", token = "", perSecondText = "1000", secondsText = "5", connections = "64"] = process.argv
const { hostname, port, pathname } = new URL(baseUrl)
const perSecond = Number(perSecondText)
const total = perSecond * Number(secondsText)
/** The server compiles its hot code in its first seconds under load; these requests are made but not timed. */
const warmUps = perSecond * 5

const requestOf = (n: number): string => {
  const user = `user-${n % 1_000}`
  const data = { n, user, seq: Math.floor(n / 1_000), ms: 0 }
  const body = JSON.stringify({ type: "bench.job", user, data })
  return `POST ${pathname}/events HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}

const free: Array<Line> = []
const due: Array<number> = []
const times: Array<number> = []
let sent = 0
let accepted = 0
let refused = 0
let begunAt = 0
let lastAt = 0

const finish = () => {
  const report: HttpReport = { accepted, refused, seconds: (lastAt - begunAt) / 1000, times }
  fs.writeFileSync(
    1,
    `${JSON.stringify({
      ...report,
      times: [0.5, 0.95, 0.99, 1].map((s) =>
        quantile(
          [...times].sort((a, b) => a - b),
          s
        )
      )
    })}\n`
  )
  process.exit(0)
}

const send = (line: Line, plannedAt: number) => {
  line.plannedAt = plannedAt
  line.socket.write(requestOf(sent++))
}

const pump = () => {
  // The connection that has waited longest is next: none idles until the server closes it.
  while (due.length > 0 && free.length > 0) send(free.shift()!, due.shift()!)
}

const answered = (line: Line, status: string) => {
  lastAt = performance.now()
  if (status === "202") accepted++
  else refused++
  if (accepted + refused > warmUps) times.push(lastAt - line.plannedAt)
  free.push(line)
  if (accepted + refused === total + warmUps) finish()
  pump()
}

const onData = (line: Line, chunk: string) => {
  line.text += chunk
  const headEnd = line.text.indexOf("\r\n\r\n")
  if (headEnd < 0) return
  const length = Number(/content-length: (\d+)/i.exec(line.text)?.[1] ?? 0)
  if (line.text.length < headEnd + 4 + length) return
  const status = line.text.slice(9, 12)
  line.text = ""
  answered(line, status)
}

const open = () =>
  new Promise<void>((opened) => {
    const socket = net.connect({ host: hostname, port: Number(port), noDelay: true })
    const line: Line = { socket, text: "", plannedAt: 0 }
    socket.setEncoding("latin1")
    socket.on("data", (chunk) => onData(line, String(chunk)))
    socket.once("close", () => {
      console.error("the server closed a connection in the middle of the measurement")
      process.exit(1)
    })
    socket.once("connect", () => {
      free.push(line)
      opened()
    })
  })
await Promise.all(Array.from({ length: Number(connections) }, open))

// The first seconds warm up and are not counted in the times.
let planned = 0
begunAt = performance.now()
const tick = () => {
  const now = performance.now()
  while (planned < total + warmUps && begunAt + (planned * 1000) / perSecond <= now) {
    due.push(begunAt + (planned++ * 1000) / perSecond)
  }
  pump()
  if (planned < total + warmUps) setTimeout(tick, 1)
}
tick()
