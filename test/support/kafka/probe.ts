/**
 * Two questions in Kafka's own bytes, asked until the answer is good: who
 * coordinates a group, and what has it committed. The first has the broker
 * make its topic of offsets, so that no test pays for that or meets it half made.
 */
import { Data, Effect, Schedule } from "effect"
import * as net from "node:net"

class NotYet extends Data.TaggedError("NotYet")<{ readonly cause: unknown }> {}

const group = "warm-up"
const offsetFetch = 9
const findCoordinator = 10
const notCoordinator = 16

const text = (value: string): Buffer => {
  const bytes = Buffer.alloc(2 + value.length)
  bytes.writeInt16BE(value.length)
  bytes.write(value, 2, "latin1")
  return bytes
}

/** A request with header version 1, its size before it. */
const request = (api: number, version: number, body: Buffer): Buffer => {
  const head = Buffer.alloc(12)
  head.writeInt16BE(api, 4)
  head.writeInt16BE(version, 6)
  const frame = Buffer.concat([head, text("probe"), body])
  frame.writeInt32BE(frame.length - 4)
  return frame
}

/** The body of the answer, without size and correlation id. */
const ask = (address: string, frame: Buffer): Effect.Effect<Buffer, NotYet> =>
  Effect.callback((resume) => {
    const { hostname, port } = new URL(`tcp://${address}`)
    const socket = net.connect(Number(port), hostname, () => socket.write(frame))
    let received = Buffer.alloc(0)
    socket.on("data", (bytes) => {
      received = Buffer.concat([received, bytes])
      if (received.length < 4 || received.length < 4 + received.readInt32BE()) return
      resume(Effect.succeed(received.subarray(8)))
      socket.destroy()
    })
    socket.on("error", (error) => resume(Effect.fail(new NotYet({ cause: error }))))
    socket.on("close", () => resume(Effect.fail(new NotYet({ cause: "closed without an answer" }))))
    return Effect.sync(() => socket.destroy())
  })

const refusal = (what: string, code: number) => Effect.fail(new NotYet({ cause: `${what}: error ${code} of Kafka` }))

/** FindCoordinator 0: an error code first. */
const coordinatorIsKnown = (address: string) =>
  Effect.flatMap(ask(address, request(findCoordinator, 0, text(group))), (answer) => {
    const code = answer.readInt16BE(0)
    return code === 0 ? Effect.void : refusal("FindCoordinator", code)
  })

/** OffsetFetch 2 of no topics: an empty array and an error code. Another node's group is a good answer too. */
const groupsAreLoaded = (address: string) =>
  Effect.flatMap(ask(address, request(offsetFetch, 2, Buffer.concat([text(group), Buffer.alloc(4)]))), (answer) => {
    const code = answer.readInt16BE(4)
    return code === 0 || code === notCoordinator ? Effect.void : refusal("OffsetFetch", code)
  })

const patiently = <A>(question: Effect.Effect<A, NotYet>) =>
  question.pipe(Effect.timeout("2 seconds"), Effect.retry(Schedule.spaced("20 millis")))

/** Returns when the node answers at all. */
export const untilAnswering = (address: string): Effect.Effect<void> =>
  Effect.orDie(patiently(Effect.asVoid(ask(address, request(findCoordinator, 0, text(group))))))

/** Returns when groups can join and commit at these nodes without any of them being still busy with its start. */
export const untilWarm = (addresses: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.orDie(
    Effect.forEach(
      addresses,
      (address) => Effect.andThen(patiently(coordinatorIsKnown(address)), patiently(groupsAreLoaded(address))),
      { discard: true }
    )
  )
