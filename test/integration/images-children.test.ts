/** The child processes that decode pictures: bounded, replaceable, and gone when they should be. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer } from "effect"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Blobs } from "../../src/services/blobs/Blobs.ts"
import { layerFileBlobs } from "../../src/services/blobs/FileBlobs.ts"
import { convertBlob } from "../../src/services/images/convertBlob.ts"
import { Images } from "../../src/services/images/Images.ts"
import { layerSharpImages, type SharpImagesOptions } from "../../src/services/images/SharpImages.ts"
import { syntheticPhoto } from "../support/photos.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "postroom-images-"))),
  (made) => Effect.sync(() => fs.rmSync(made, { recursive: true }))
)

const readProc = (file: string): string => {
  try {
    return fs.readFileSync(file, "utf8")
  } catch {
    return ""
  }
}

/** The pids of the decoders whose parent is `parent`; quick, so that they can be met before they have done their work. */
const decoders = (parent = process.pid): ReadonlyArray<number> =>
  readProc(`/proc/${parent}/task/${parent}/children`)
    .trim()
    .split(" ")
    .filter((pid) => readProc(`/proc/${pid}/cmdline`).includes("images/child.ts"))
    .map(Number)

const threadsOf = (pid: number): number => {
  try {
    return fs.readdirSync(`/proc/${pid}/task`).length
  } catch {
    return 0
  }
}

const until = (state: () => boolean) =>
  Effect.sync(state).pipe(
    Effect.delay("1 millis"),
    Effect.repeat({ until: (reached) => reached }),
    Effect.timeout("10 seconds"),
    Effect.orDie
  )

const isGone = (pid: number) => {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}

const large = Effect.cached(Effect.promise(() => syntheticPhoto({ width: 4_032, height: 3_024, seed: 5 }))).pipe(
  Effect.runSync
)

/** A folder with a 12 megapixel picture, and the work on it. */
const work = Effect.gen(function* () {
  const directory = yield* folder
  const input = path.join(yield* folder, "input.jpg")
  fs.writeFileSync(input, yield* large)
  return { directory, convert: Images.use((images) => images.convert({ input, directory })) }
})

const images = (options: SharpImagesOptions) => Effect.provide(layerSharpImages(options))

/** Waits for the one decoder to have started and stops it in the middle of whatever it does. */
const stopTheDecoder = Effect.gen(function* () {
  yield* until(() => decoders().length === 1)
  const [pid = 0] = decoders()
  process.kill(pid, "SIGSTOP")
  return pid
})

describe("the decoders", () => {
  it.live("C9 are no more than allowed however many pictures wait, are used again, and end with the layer", () =>
    Effect.gen(function* () {
      const { convert, directory } = yield* work
      const seen = new Set<number>()
      yield* Effect.gen(function* () {
        const look = Effect.sync(() => {
          const now = decoders()
          assert.isAtMost(now.length, 2)
          for (const pid of now) {
            seen.add(pid)
            // Node's own, one for the decoder, and those that libvips keeps however many pictures there were.
            assert.isAtMost(threadsOf(pid), 16)
          }
        })
        yield* Effect.forEach(Array.from({ length: 8 }), () => Effect.tap(convert, look), { concurrency: "unbounded" })
        assert.strictEqual(decoders().length, 2)
      }).pipe(images({ processes: 2 }))
      assert.strictEqual(seen.size, 2)
      assert.deepStrictEqual(decoders(), [])
      assert.strictEqual(fs.readdirSync(directory).length, 16)
    })
  )

  it.live("C7 one that is killed fails its own picture only, and the next picture gets a new one", () =>
    Effect.gen(function* () {
      const { convert, directory } = yield* work
      yield* Effect.gen(function* () {
        const both = yield* Effect.forkChild(
          Effect.all([Effect.exit(convert), Effect.exit(convert)], { concurrency: 2 })
        )
        yield* until(() => decoders().length === 2)
        process.kill(decoders()[0] ?? 0, "SIGKILL")
        const exits = yield* Fiber.join(both)
        const failed = exits.filter(Exit.isFailure)
        assert.strictEqual(failed.length, 1)
        const error = yield* Effect.flip(failed[0] ?? Effect.die("none failed"))
        assert.deepStrictEqual([error.reason._tag, error.isRetryable], ["WorkerCrashed", true])
        assert.include(error.message, "SIGKILL")
        assert.strictEqual(fs.readdirSync(directory).length, 2)
        yield* convert
      }).pipe(images({ processes: 2 }))
      assert.strictEqual(fs.readdirSync(directory).length, 4)
    })
  )

  it.live("C7 a picture that is suspected has a new one, while no other lives, and nobody uses it after", () =>
    Effect.gen(function* () {
      const { convert, directory } = yield* work
      const alone = Images.use((service) =>
        service.convert({ input: path.join(directory, "suspect.jpg"), directory, alone: true })
      )
      fs.writeFileSync(path.join(directory, "suspect.jpg"), yield* large)
      yield* Effect.gen(function* () {
        yield* Effect.all([convert, convert], { concurrency: 2 })
        const before = decoders()
        assert.lengthOf(before, 2)
        const suspected = yield* Effect.forkChild(alone)
        const other = yield* Effect.forkChild(convert)
        yield* until(() => decoders().length === 1 && !before.includes(decoders()[0]!))
        const [fresh] = decoders()
        yield* Fiber.join(suspected)
        yield* Fiber.join(other)
        assert.notInclude(decoders(), fresh)
      }).pipe(images({ processes: 2 }))
    })
  )

  it.live("C7 one that hangs is killed at the hard limit", () =>
    Effect.gen(function* () {
      const { convert, directory } = yield* work
      yield* Effect.gen(function* () {
        const hanging = yield* Effect.forkChild(Effect.flip(convert))
        const pid = yield* stopTheDecoder
        const error = yield* Fiber.join(hanging)
        assert.strictEqual(error.reason._tag, "Timeout")
        assert.isTrue(isGone(pid))
        assert.deepStrictEqual(fs.readdirSync(directory), [])
        yield* convert
      }).pipe(images({ processes: 1, hardTimeout: "1500 millis" }))
    })
  )

  it.live("C10 a cancelled picture stops within a second and leaves neither decoder nor file", () =>
    Effect.gen(function* () {
      const { convert, directory } = yield* work
      yield* Effect.gen(function* () {
        const cancelled = yield* Effect.forkChild(convert)
        const waiting = yield* Effect.forkChild(convert)
        const pid = yield* stopTheDecoder
        const begun = performance.now()
        yield* Fiber.interrupt(cancelled)
        assert.isBelow(performance.now() - begun, 1_000)
        assert.isTrue(isGone(pid))
        yield* Fiber.join(waiting)
        assert.strictEqual(fs.readdirSync(directory).length, 2)
      }).pipe(images({ processes: 1 }))
    })
  )

  it.live("one that takes too much memory is killed, one that keeps too much or is old is replaced", () =>
    Effect.gen(function* () {
      const { convert } = yield* work
      const error = yield* Effect.flip(convert.pipe(images({ processes: 1, rssDuringJob: 50_000_000 })))
      assert.strictEqual(error.reason._tag, "WorkerCrashed")
      assert.match(error.message, /more than \d+ MB of memory/)
      for (const options of [{ jobsPerChild: 1 }, { rssAfterJob: 1 }]) {
        yield* Effect.gen(function* () {
          yield* convert
          assert.deepStrictEqual(decoders(), [])
          yield* convert
        }).pipe(images({ processes: 1, ...options }))
      }
    })
  )

  it.live("end when Postroom is killed, even in the middle of a picture", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      fs.writeFileSync(path.join(directory, "input.jpg"), yield* large)
      const script = fileURLToPath(new URL("images-process.ts", import.meta.url))
      const parent = spawn(process.execPath, [script, directory], { stdio: ["ignore", "pipe", "inherit"] })
      const lines = createInterface({ input: parent.stdout })[Symbol.asyncIterator]()
      yield* Effect.promise(() => lines.next())
      const pids = decoders(parent.pid)
      assert.strictEqual(pids.length, 2)
      parent.kill("SIGKILL")
      yield* until(() => pids.every(isGone))
    })
  )
})

describe("a kept picture", () => {
  it.live("gets its derivatives kept beside it, and nothing else stays on the disk", () =>
    Effect.gen(function* () {
      const root = yield* folder
      const directory = path.join(root, "scratch")
      fs.mkdirSync(directory)
      yield* Effect.gen(function* () {
        const blobs = yield* Blobs
        const { sha256 } = yield* blobs.put(new Uint8Array(yield* large))
        const converted = yield* convertBlob(sha256, { directory })
        for (const { sha256: name, bytes } of [converted.preview, converted.thumbnail]) {
          assert.deepStrictEqual(yield* blobs.head(name), { sha256: name, size: bytes })
        }
        const again = yield* convertBlob(sha256, { directory })
        assert.deepStrictEqual(again.preview, converted.preview)
        assert.deepStrictEqual(fs.readdirSync(directory), [])
      }).pipe(
        Effect.provide(
          Layer.mergeAll(layerFileBlobs({ folder: path.join(root, "blobs") }), layerSharpImages({ processes: 1 }))
        )
      )
    })
  )
})
