/**
 * Records into a topic from code: one per call with many calls in flight, each
 * answered when it is on disk, and in batches.
 */
import { Effect, Layer } from "effect"
import { Broker } from "../../src/broker/Broker.ts"
import * as Producer from "../../src/runtime/Producer.ts"
import { jobsOf, recordOf } from "../support/benchActor.ts"
import { quantiles, round } from "../support/Figures.ts"
import type { Figures } from "../support/Figures.ts"
import { declareBench } from "../support/fill.ts"
import { brokerKind, onFreshInstallation } from "../support/Installation.ts"
import { cpuMsOf, memoryMbOf, serverCpuMs } from "../support/processes.ts"

const producer = Layer.build(Producer.layer)

const warmUp = 2_000

/** `count` calls of one record each, `inFlight` at a time. */
export const enqueueSingle = (count: number, inFlight: number) =>
  onFreshInstallation((dataDir) =>
    Effect.gen(function* () {
      yield* declareBench
      const broker = yield* Broker
      const service = yield* Effect.provide(Producer.Producer, yield* producer)
      const records = jobsOf(count + warmUp, 1_000, 0).map((job) => recordOf(job))
      const times: Array<number> = []
      const send = (n: number) =>
        Effect.suspend(() => {
          const calledAt = performance.now()
          return Effect.map(service.send([records[n]!]), () => void times.push(performance.now() - calledAt))
        })
      const all = (from: number, to: number) =>
        Effect.forEach(
          Array.from({ length: to - from }, (_, i) => from + i),
          send,
          { concurrency: inFlight, discard: true }
        )
      yield* all(count, count + warmUp)
      times.length = 0
      const cpuBefore = cpuMsOf(process.pid) + serverCpuMs(dataDir)
      const begunAt = performance.now()
      yield* all(0, count)
      const seconds = (performance.now() - begunAt) / 1000
      const cpu = cpuMsOf(process.pid) + serverCpuMs(dataDir) - cpuBefore
      const ends = yield* broker.ends("bench.jobs")
      return {
        scenario: "enqueue",
        variant: `single, ${inFlight} in flight`,
        broker: brokerKind,
        tasks: count,
        seconds: round(seconds, 2),
        tasksPerSecond: Math.round(count / seconds),
        ...quantiles(times),
        rssMb: round(memoryMbOf(process.pid, "VmHWM")),
        cpuMsPerTask: round(cpu / count, 4),
        lost: count + warmUp - ends.reduce((sum, end) => sum + end.next, 0)
      } satisfies Figures
    })
  )

/** `count` records in batches of `size`, one after another. */
export const enqueueBatch = (count: number, size: number) =>
  onFreshInstallation((dataDir) =>
    Effect.gen(function* () {
      yield* declareBench
      const broker = yield* Broker
      const records = jobsOf(count + warmUp, 1_000, 0).map((job) => recordOf(job))
      yield* broker.append(records.slice(count))
      const cpuBefore = cpuMsOf(process.pid) + serverCpuMs(dataDir)
      const times: Array<number> = []
      const begunAt = performance.now()
      for (let at = 0; at < count; at += size) {
        const calledAt = performance.now()
        yield* broker.append(records.slice(at, Math.min(count, at + size)))
        times.push(performance.now() - calledAt)
      }
      const seconds = (performance.now() - begunAt) / 1000
      const cpu = cpuMsOf(process.pid) + serverCpuMs(dataDir) - cpuBefore
      return {
        scenario: "enqueue",
        variant: `batches of ${size}`,
        broker: brokerKind,
        tasks: count,
        seconds: round(seconds, 2),
        tasksPerSecond: Math.round(count / seconds),
        ...quantiles(times),
        rssMb: round(memoryMbOf(process.pid, "VmHWM")),
        cpuMsPerTask: round(cpu / count, 4)
      } satisfies Figures
    })
  )
