/**
 * Photographs of 12 megapixels through the whole way: the tree takes an upload,
 * the converter makes its pictures in child processes, the tree attaches them.
 * Every input is another file; the pictures in them repeat. Then the same files
 * once more, which nothing has to be decoded for, and uploads of one user while
 * thousands of pictures of another are made anew.
 */
import { Effect } from "effect"
import type { Layer } from "effect"
import { SqlClient } from "effect/sql"
import { makeBackfill, makeConverter } from "../../src/actors/converter/converter.ts"
import { makeTree } from "../../src/actors/tree/tree.ts"
import { Broker } from "../../src/broker/Broker.ts"
import type { OutgoingRecord } from "../../src/broker/Record.ts"
import { layerFiles } from "../../src/cli/outside.ts"
import { headersOf } from "../../src/domain/Envelope.ts"
import { startWorker } from "../../src/runtime/Worker.ts"
import { Blobs } from "../../src/services/blobs/Blobs.ts"
import * as Topic from "../../src/topics/Topic.ts"
import { mediaBackfill } from "../../src/topics/mediaBackfill.ts"
import { treeCommands } from "../../src/topics/treeCommands.ts"
import { syntheticPhoto } from "../../test/support/photos.ts"
import { monotonicMs } from "../support/clock.ts"
import { quantiles, round } from "../support/Figures.ts"
import type { Figures } from "../support/Figures.ts"
import { onFreshInstallation } from "../support/Installation.ts"
import { cpuMsOf, descendantsOf, memoryMbOf, serverPids } from "../support/processes.ts"

const pictures = 6

interface Kept {
  readonly sha256: string
  readonly size: number
}

/** Puts `count` different files into the blobs. */
const keep = (count: number, mark: string, width = 4_032) =>
  Effect.gen(function* () {
    const blobs = yield* Blobs
    const photos = yield* Effect.forEach(Array.from({ length: pictures }).keys(), (seed) =>
      Effect.promise(() => syntheticPhoto({ width, height: (width * 3) / 4, seed }))
    )
    return yield* Effect.forEach(Array.from({ length: count }).keys(), (n): Effect.Effect<Kept, unknown> =>
      // Bytes behind the end of a JPEG change the file and not the picture.
      blobs.put(Buffer.concat([photos[n % pictures]!, Buffer.from(`-${mark}-${n}`)]))
    )
  })

const record = <A>(topic: Topic.Topic<A>, key: string, id: string, value: A): Effect.Effect<OutgoingRecord> =>
  Effect.map(Topic.encodeValue(topic, value), (bytes) => ({
    topic: topic.name,
    key: Topic.keyOfUser(key),
    value: bytes,
    headers: headersOf({ id, type: topic.type, source: "/bench", time: Date.now() })
  }))

/** A new item of `owner` with a picture that the store has. */
const upload = (owner: string, id: string, { sha256, size }: Kept) =>
  record(treeCommands, owner, id, {
    by: owner,
    admin: false,
    command: {
      kind: "upload",
      parent: null,
      name: id,
      tags: [],
      viewers: null,
      content: { kind: "stored", sha256, size, type: "image/jpeg" }
    }
  })

const append = (records: Effect.Effect<ReadonlyArray<OutgoingRecord>>) =>
  Effect.flatMap(Broker, (broker) => Effect.flatMap(records, (all) => broker.append(all)))

/** Appends uploads spread over 20 users. */
const uploadAll = (files: ReadonlyArray<Kept>, mark: string) =>
  append(Effect.forEach(files, (file, n) => upload(`${mark}-${n % 20}`, `${mark}-${n}`, file)))

/** Waits until so many items in all have their pictures, or will have none; answers how many have. */
const untilAttached = (count: number, lookMs: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    while (true) {
      const [row] = yield* sql<{ attached: number; failed: number }>`
        SELECT count(*) FILTER (WHERE status = 'available')::int AS attached,
          count(*) FILTER (WHERE status = 'failed')::int AS failed FROM item_content`
      if (row!.attached + row!.failed >= count) return row!.attached
      yield* Effect.sleep(lookMs)
    }
  })

const decodes = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(sql<{ n: number }>`SELECT coalesce(sum(decodes), 0)::int AS n FROM conversion`, ([row]) => row!.n)
)

/** CPU of this process, its decoders and PostgreSQL, which may be below it too: each process once. */
const cpuMs = (dataDir: string) =>
  [...new Set([process.pid, ...descendantsOf(process.pid), ...serverPids(dataDir)])].reduce(
    (sum, pid) => sum + cpuMsOf(pid),
    0
  )

/** The most memory a decoder has had, of those that live. */
const decoderPeakMb = (dataDir: string) => {
  const servers = new Set(serverPids(dataDir))
  const peaks = descendantsOf(process.pid).map((pid) => (servers.has(pid) ? 0 : memoryMbOf(pid, "VmHWM")))
  return Math.max(0, ...peaks.filter(Number.isFinite))
}

const onInstallation = <A>(measure: (dataDir: string) => Effect.Effect<A, unknown, any>): Effect.Effect<A, unknown> =>
  onFreshInstallation((dataDir) =>
    measure(dataDir).pipe(
      Effect.scoped,
      Effect.provide(layerFiles(dataDir) as Layer.Layer<Layer.Success<ReturnType<typeof layerFiles>>, unknown>)
    )
  )

const actors = () => [makeConverter(null), makeBackfill(null), makeTree(null)]

const warmUp = 40

/** `count` pictures, and the same ones uploaded again by others. */
export const convert = (count = 200) =>
  onInstallation((dataDir) =>
    Effect.gen(function* () {
      yield* startWorker({ actors: actors() })
      yield* uploadAll(yield* keep(warmUp, "warm"), "warm")
      yield* untilAttached(warmUp, 100)
      const files = yield* keep(count, "new")
      const before = { cpu: cpuMs(dataDir), decodes: yield* decodes }
      const begunAt = monotonicMs()
      yield* uploadAll(files, "new")
      const attached = yield* untilAttached(warmUp + count, 50)
      const seconds = (monotonicMs() - begunAt) / 1000
      const first: Figures = {
        scenario: "convert",
        variant: `${count} photographs of 12 megapixels, upload to attached`,
        broker: "postgres",
        tasks: count,
        seconds: round(seconds, 2),
        imagesPerSecond: round(count / seconds),
        cpuMsPerImage: round((cpuMs(dataDir) - before.cpu) / count),
        childMb: round(decoderPeakMb(dataDir)),
        rssMb: round(memoryMbOf(process.pid, "VmHWM")),
        decodes: (yield* decodes) - before.decodes,
        lost: warmUp + count - attached
      }
      const known = yield* decodes
      const againAt = monotonicMs()
      yield* uploadAll(files, "again")
      const reused = yield* untilAttached(warmUp + 2 * count, 5)
      const againSeconds = (monotonicMs() - againAt) / 1000
      const second: Figures = {
        scenario: "convert",
        variant: `the same ${count} uploaded again, upload to attached`,
        broker: "postgres",
        tasks: count,
        seconds: round(againSeconds, 2),
        msPerUpload: round((againSeconds * 1000) / count, 2),
        decodes: (yield* decodes) - known,
        lost: warmUp + 2 * count - reused
      }
      return [first, second]
    })
  )

/** Uploads one after another while `count` pictures of another user are made anew, the first `large` of them large. */
export const liveBehindBackfill = (count = 10_000, large = 300, uploads = 20) =>
  onInstallation(() =>
    Effect.gen(function* () {
      yield* startWorker({ actors: actors() })
      const files = yield* keep(uploads, "live")
      const old = [...(yield* keep(large, "old")), ...(yield* keep(count - large, "small", 64))]
      yield* append(
        Effect.forEach(old, ({ sha256 }, n) =>
          record(mediaBackfill, sha256, `old-${n}`, { owner: "anna", picture: { sha256, name: `${n}.jpg` } })
        )
      )
      yield* Effect.repeat(Effect.delay(decodes, "50 millis"), { until: (done) => done >= 4 })
      const waits: Array<number> = []
      for (const [n, file] of files.entries()) {
        const begunAt = monotonicMs()
        yield* append(Effect.map(upload("ben", `live-${n}`, file), (one) => [one]))
        yield* untilAttached(n + 1, 5)
        waits.push(monotonicMs() - begunAt)
      }
      const behind = large - ((yield* decodes) - uploads)
      return {
        scenario: "convert",
        variant: `uploads of one user beside ${count} pictures of another made anew`,
        broker: "postgres",
        tasks: uploads,
        ...quantiles(waits),
        maxMs: round(Math.max(...waits)),
        stillLargeWaiting: Math.max(0, behind)
      } satisfies Figures
    })
  )
