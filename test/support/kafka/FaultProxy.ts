/**
 * A way to a broker that can be disturbed where it hurts: it reads the frames
 * of Kafka's protocol, so a test can have one answer to one kind of request
 * lost, hold a commit back until the group has moved on, or cut the line after
 * the broker has written. It listens before the broker it stands before is
 * started, whose `advertised` address it then is. Nothing waits for slow
 * readers here: it is for tests that count in kilobytes.
 */
import { Effect } from "effect"
import type { Scope } from "effect"
import * as net from "node:net"

/** Kafka's numbers of the requests that tests disturb. */
export const api = {
  produce: 0,
  fetch: 1,
  metadata: 3,
  offsetCommit: 8,
  offsetFetch: 9,
  findCoordinator: 10,
  joinGroup: 11,
  heartbeat: 12,
  leaveGroup: 13,
  syncGroup: 14
} as const

/** A request or the answer to it. Connections are counted from 1 in the order they came. */
export interface Frame {
  readonly api: number
  readonly connection: number
}

/** `hold` keeps the frame, and all that follow on its way, until `release`; `cut` ends the connection instead. */
export type Verdict = "pass" | "swallow" | "hold" | "cut"

export type Rule = (frame: Frame) => Verdict

export interface FaultProxy {
  /** host:port for the clients. */
  readonly address: string
  readonly standBefore: (broker: string) => void
  /** What becomes of requests from now on. */
  readonly onRequest: (rule: Rule) => void
  /** What becomes of answers from now on: the broker has done what they answer. */
  readonly onAnswer: (rule: Rule) => void
  /** Lets through what is held. */
  readonly release: () => void
  /** Ends every connection. */
  readonly cut: () => void
  /** Takes no new connections, and ends those there are. */
  readonly refuse: (refused: boolean) => void
}

/** Calls `take` with each whole frame, its size included. */
const framesOf = (take: (frame: Buffer) => void): ((bytes: Buffer) => void) => {
  let rest: Buffer = Buffer.alloc(0)
  return (bytes) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE()) {
      const size = 4 + rest.readInt32BE()
      take(rest.subarray(0, size))
      rest = rest.subarray(size)
    }
  }
}

/** The rule once, for the first frame of this kind; all others pass. */
export const once = (kind: number, verdict: Verdict): Rule => {
  let isOpen = true
  return (frame) => {
    if (!isOpen || frame.api !== kind) return "pass"
    isOpen = false
    return verdict
  }
}

interface Line {
  readonly near: net.Socket
  readonly release: () => void
}

const listen = (server: net.Server): Effect.Effect<number> =>
  Effect.callback((resume) => {
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed((server.address() as net.AddressInfo).port)))
  })

/** Listens until the scope closes. */
export const startFaultProxy: Effect.Effect<FaultProxy, never, Scope.Scope> = Effect.gen(function* () {
  const lines = new Set<Line>()
  let broker = "127.0.0.1:0"
  let refused = false
  let count = 0
  const rules: { request: Rule; answer: Rule } = { request: () => "pass", answer: () => "pass" }

  const cut = () => {
    for (const { near } of lines) near.destroy()
  }

  /** One direction of a connection. */
  const way = (
    from: net.Socket,
    to: net.Socket,
    rule: (frame: Frame) => Verdict,
    frameOf: (bytes: Buffer) => Frame
  ) => {
    const held: Array<Buffer> = []
    from.on(
      "data",
      framesOf((bytes) => {
        const verdict = held.length > 0 ? "hold" : rule(frameOf(bytes))
        if (verdict === "pass") to.write(bytes)
        else if (verdict === "hold") held.push(bytes)
        else if (verdict === "cut") from.destroy()
      })
    )
    return () => {
      for (const bytes of held.splice(0)) to.write(bytes)
    }
  }

  const server = net.createServer({ noDelay: true }, (near) => {
    if (refused) return near.destroy()
    const { hostname, port } = new URL(`tcp://${broker}`)
    const far = net.connect({ host: hostname, port: Number(port), noDelay: true })
    const connection = (count += 1)
    /** Which request an answer belongs to, by its correlation id. */
    const asked = new Map<number, number>()
    const requests = way(
      near,
      far,
      (frame) => rules.request(frame),
      (bytes) => {
        asked.set(bytes.readInt32BE(8), bytes.readInt16BE(4))
        return { api: bytes.readInt16BE(4), connection }
      }
    )
    const answers = way(
      far,
      near,
      (frame) => rules.answer(frame),
      (bytes) => {
        const id = bytes.readInt32BE(4)
        const frame = { api: asked.get(id) ?? -1, connection }
        asked.delete(id)
        return frame
      }
    )
    const line: Line = {
      near,
      release: () => {
        requests()
        answers()
      }
    }
    lines.add(line)
    const end = () => {
      lines.delete(line)
      near.destroy()
      far.destroy()
    }
    near.on("error", end).on("close", end)
    far.on("error", end).on("close", end)
  })
  const port = yield* Effect.acquireRelease(listen(server), () =>
    Effect.callback<void>((resume) => {
      server.close(() => resume(Effect.void))
      cut()
    })
  )
  return {
    address: `127.0.0.1:${port}`,
    standBefore: (address) => {
      broker = address
    },
    onRequest: (rule) => {
      rules.request = rule
    },
    onAnswer: (rule) => {
      rules.answer = rule
    },
    release: () => {
      for (const { release } of lines) release()
    },
    cut,
    refuse: (wanted) => {
      refused = wanted
      if (refused) cut()
    }
  }
})
