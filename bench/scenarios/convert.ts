/**
 * Photographs of 12 megapixels through the whole way: record, converter actor,
 * child processes, blobs, journal. Every input is another file; the pictures
 * in them repeat.
 */
import { Effect } from "effect"
import type { Layer } from "effect"
import { Broker } from "../../src/broker/Broker.ts"
import { makeConverter } from "../../src/actors/converter/converter.ts"
import { layerFiles } from "../../src/cli/outside.ts"
import { headersOf } from "../../src/domain/Envelope.ts"
import { declare, startWorker } from "../../src/runtime/Worker.ts"
import { Blobs } from "../../src/services/blobs/Blobs.ts"
import * as Topic from "../../src/topics/Topic.ts"
import { mediaUploaded } from "../../src/topics/mediaUploaded.ts"
import { syntheticPhoto } from "../../test/support/photos.ts"
import { monotonicMs } from "../support/clock.ts"
import { round } from "../support/Figures.ts"
import type { Figures } from "../support/Figures.ts"
import { onFreshInstallation } from "../support/Installation.ts"
import { endedTasks } from "../support/journalState.ts"
import { cpuMsOf, descendantsOf, memoryMbOf, serverCpuMs } from "../support/processes.ts"

const pictures = 6

/** Puts `count` different files into the blobs; answers their names. */
const uploads = (count: number) =>
  Effect.gen(function* () {
    const blobs = yield* Blobs
    const photos = yield* Effect.forEach(Array.from({ length: pictures }).keys(), (seed) =>
      Effect.promise(() => syntheticPhoto({ width: 4_032, height: 3_024, seed }))
    )
    return yield* Effect.forEach(Array.from({ length: count }).keys(), (n) =>
      // Bytes behind the end of a JPEG change the file and not the picture.
      Effect.map(blobs.put(Buffer.concat([photos[n % pictures]!, Buffer.from(`-${n}`)])), ({ sha256 }) => sha256)
    )
  })

const append = (names: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const broker = yield* Broker
    const records = yield* Effect.forEach(names, (sha256, n) =>
      Effect.map(Topic.encodeValue(mediaUploaded, { sha256, name: `${n}.jpg` }), (value) => ({
        topic: mediaUploaded.name,
        key: Topic.keyOfUser(`user-${n % 20}`),
        value,
        headers: headersOf({ id: `upload-${sha256}`, type: mediaUploaded.type, source: "/bench", time: Date.now() })
      }))
    )
    yield* broker.append(records)
  })

const cpuMs = (dataDir: string) =>
  [process.pid, ...descendantsOf(process.pid)].reduce((sum, pid) => sum + cpuMsOf(pid), 0) + serverCpuMs(dataDir)

const untilEnded = (count: number) =>
  Effect.gen(function* () {
    while (true) {
      const { succeeded, otherwise } = yield* endedTasks
      if (succeeded + otherwise >= count) return succeeded
      yield* Effect.sleep("100 millis")
    }
  })

const warmUp = 40

/** `count` pictures. */
export const convert = (count = 200) =>
  onFreshInstallation((dataDir) =>
    Effect.gen(function* () {
      const actor = makeConverter(null)
      yield* declare([actor])
      const names = yield* uploads(count + warmUp)
      yield* startWorker({ actors: [actor] })
      yield* append(names.slice(count))
      yield* untilEnded(warmUp)
      const cpuBefore = cpuMs(dataDir)
      const begunAt = monotonicMs()
      yield* append(names.slice(0, count))
      const succeeded = yield* untilEnded(count + warmUp)
      const seconds = (monotonicMs() - begunAt) / 1000
      const cpu = cpuMs(dataDir) - cpuBefore
      return {
        scenario: "convert",
        variant: `${count} photographs of 12 megapixels`,
        broker: "postgres",
        tasks: count,
        seconds: round(seconds, 2),
        imagesPerSecond: round(count / seconds),
        cpuMsPerImage: round(cpu / count),
        rssMb: round(memoryMbOf(process.pid, "VmHWM")),
        lost: count + warmUp - succeeded
      } satisfies Figures
    }).pipe(
      Effect.scoped,
      Effect.provide(layerFiles(dataDir) as Layer.Layer<Layer.Success<ReturnType<typeof layerFiles>>, unknown>)
    )
  )
