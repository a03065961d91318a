/**
 * Pictures of files that are not decoded here, made by programs of the machine. The programs are stand-ins, scripts of
 * this test, since a machine need not have the real ones.
 */
import { assert, describe, it } from "@effect/vitest"
import { type Duration, Effect, Fiber } from "effect"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { Images } from "../../src/services/images/Images.ts"
import { programNames } from "../../src/services/images/Programs.ts"
import { layerSharpImages } from "../../src/services/images/SharpImages.ts"
import { syntheticPhoto } from "../support/photos.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "postroom-images-"))),
  (made) => Effect.sync(() => fs.rmSync(made, { recursive: true }))
)

const heic = "\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x08meta"

/** Converts a file that begins with `beginning` where each program is the shell script of its name. */
const place = (
  scripts: Readonly<Record<string, string>>,
  beginning = heic,
  hardTimeout: Duration.Input = "45 seconds"
) =>
  Effect.gen(function* () {
    const home = yield* folder
    const directory = path.join(home, "work")
    fs.mkdirSync(directory)
    const input = path.join(home, "input")
    fs.writeFileSync(input, Buffer.from(beginning, "latin1"))
    fs.writeFileSync(
      path.join(home, "photo.jpg"),
      yield* Effect.promise(() => syntheticPhoto({ width: 640, height: 480, seed: 1 }))
    )
    const found = new Map<string, string>()
    for (const [name, script] of Object.entries(scripts)) {
      const file = path.join(home, name)
      fs.writeFileSync(file, `#!/bin/sh\ncd ${home}\n${script}\n`, { mode: 0o755 })
      found.set(name, file)
    }
    const convert = Images.use((images) => images.convert({ input, directory }))
    const options = { processes: 1, hardTimeout, programs: Effect.succeed(found) } as const
    return { home, directory, converted: convert.pipe(Effect.provide(layerSharpImages(options))) }
  })

/** Ended; nobody need have asked how yet. */
const isGone = (pid: number) => {
  try {
    process.kill(pid, 0)
    return /\) Z /.test(fs.readFileSync(`/proc/${pid}/stat`, "latin1"))
  } catch {
    return true
  }
}

const untilGone = (pid: number) =>
  Effect.sync(() => isGone(pid)).pipe(
    Effect.delay("2 millis"),
    Effect.repeat({ until: (gone) => gone }),
    Effect.timeout("10 seconds"),
    Effect.orDie
  )

const pidIn = (file: string) =>
  Effect.sync(() => (fs.existsSync(file) ? Number(fs.readFileSync(file, "utf8")) : 0)).pipe(
    Effect.delay("2 millis"),
    Effect.repeat({ until: (pid) => pid > 0 }),
    Effect.timeout("10 seconds"),
    Effect.orDie
  )

describe("a program of the machine", () => {
  it.live("makes the picture, from which preview and thumbnail are made, and nothing of it stays", () =>
    Effect.gen(function* () {
      for (const [beginning, program, script, format] of [
        [heic, "heif-dec", 'cp photo.jpg "$2"', "heic"],
        [heic, "heif-convert", 'cp photo.jpg "$2"', "heic"],
        ["%PDF-1.7\n", "pdftoppm", 'for last; do :; done; cp photo.jpg "$last.png"', "pdf"],
        ["FUJIFILMCCD-RAW", "dcraw", "cat photo.jpg", "raw"],
        ["\0\0\0\x14ftypisom\0\0\0\0isom", "ffmpeg", 'for last; do :; done; cp photo.jpg "$last"', "mp4"],
        ["\x1aE\xdf\xa3\x01\0\0\0", "ffmpeg", 'for last; do :; done; cp photo.jpg "$last"', "matroska"]
      ] as const) {
        const { converted, directory } = yield* place({ [program]: script }, beginning)
        const result = yield* converted
        assert.deepInclude(result.source, { format, width: 640, height: 480, bytes: beginning.length })
        assert.deepInclude(result.preview, { width: 640, height: 480 })
        assert.lengthOf(fs.readdirSync(directory), 2)
        assert.include(programNames, program)
      }
    }).pipe(Effect.scoped)
  )

  it.live("that is missing is named", () =>
    Effect.gen(function* () {
      const { converted } = yield* place({})
      const { reason } = yield* Effect.flip(converted)
      assert.deepStrictEqual(
        [reason._tag, reason.detail],
        ["UnsupportedFormat", "a HEIC picture is converted only where there is heif-dec or heif-convert"]
      )
    }).pipe(Effect.scoped)
  )

  it.live("that fails, or makes nothing, leaves a damaged file, with its words", () =>
    Effect.gen(function* () {
      for (const [script, words] of [
        ['echo "$1: no ftyp box" >&2; exit 3', /\(code 3\): input: no ftyp box$/],
        ["exit 0", /no picture could be made of it/],
        ['echo nonsense > "$2"', /is not converted/]
      ] as const) {
        const { converted, directory } = yield* place({ "heif-dec": script })
        const error = yield* Effect.flip(converted)
        assert.match(error.message, words)
        assert.deepStrictEqual(fs.readdirSync(directory), [])
      }
    }).pipe(Effect.scoped)
  )

  it.live("knows nothing of our environment, and is stopped where it writes or takes too much", () =>
    Effect.gen(function* () {
      const { home, converted } = yield* place({ "heif-dec": 'env > seen; ulimit -v > memory; cp photo.jpg "$2"' })
      yield* converted
      const seen = fs.readFileSync(path.join(home, "seen"), "utf8")
      // What a shell sets by itself.
      assert.deepStrictEqual(
        seen.split("\n").filter((line) => !/^(PWD|OLDPWD|SHLVL|_)=|^$/.test(line)),
        []
      )
      assert.strictEqual(Number(fs.readFileSync(path.join(home, "memory"), "utf8")), 1_536 * 1_024)
      const large = yield* place({ "heif-dec": 'dd if=/dev/zero of="$2" bs=1M count=1 seek=300' })
      assert.strictEqual((yield* Effect.flip(large.converted)).reason._tag, "Corrupt")
      assert.deepStrictEqual(fs.readdirSync(large.directory), [])
    }).pipe(Effect.scoped)
  )

  it.live("is killed with what it has started when it takes too long, or nobody wants the picture any more", () =>
    Effect.gen(function* () {
      const script = "sleep 1000 & echo $! > pid.part; mv pid.part pid; wait"
      const late = yield* place({ "heif-dec": script }, heic, "1500 millis")
      assert.strictEqual((yield* Effect.flip(late.converted)).reason._tag, "Timeout")
      yield* untilGone(yield* pidIn(path.join(late.home, "pid")))
      const unwanted = yield* place({ "heif-dec": script })
      const fiber = yield* Effect.forkChild(unwanted.converted)
      const pid = yield* pidIn(path.join(unwanted.home, "pid"))
      yield* Fiber.interrupt(fiber)
      yield* untilGone(pid)
      assert.deepStrictEqual(fs.readdirSync(unwanted.directory), [])
    }).pipe(Effect.scoped)
  )
})
