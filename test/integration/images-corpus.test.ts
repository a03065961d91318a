/**
 * More than 300 files that are cut, flipped, mislabelled, bombs, or odd in other ways: each is refused with a word or
 * converted with a flag where it is damaged, no decoder dies, and none takes more memory than it should.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { Images } from "../../src/services/images/Images.ts"
import { layerSharpImages } from "../../src/services/images/SharpImages.ts"
import { type HostileFile, hostileFiles } from "../support/hostileFiles.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "postroom-images-"))),
  (made) => Effect.sync(() => fs.rmSync(made, { recursive: true }))
)

const mebibyte = 2 ** 20

/** The decoders and the most memory each has ever had, in bytes; where there is no /proc, none. */
const decoders = (): ReadonlyMap<string, number> => {
  const peaks = new Map<string, number>()
  if (!fs.existsSync("/proc/self/task")) return peaks
  const pids = fs.readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "latin1").trim().split(" ")
  for (const pid of pids) {
    try {
      if (!fs.readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("images/child.ts")) continue
      const peak = /VmHWM:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${pid}/status`, "latin1"))
      peaks.set(pid, Number(peak?.[1] ?? 0) * 1_024)
    } catch {
      // It has ended meanwhile.
    }
  }
  return peaks
}

/** What becomes of the files, one after another: `plain`, `degraded`, or the word of the refusal. */
const outcomes = (files: ReadonlyArray<HostileFile>) =>
  Effect.gen(function* () {
    const images = yield* Images
    const directory = yield* folder
    const input = path.join(yield* folder, "input")
    const found: Array<{
      readonly name: string
      readonly outcome: string
      readonly expected: HostileFile["expected"]
    }> = []
    for (const { name, bytes, expected } of files) {
      fs.writeFileSync(input, bytes)
      const result = yield* Effect.result(images.convert({ input, directory }))
      const outcome =
        result._tag === "Failure"
          ? result.failure.reason._tag
          : result.success.degraded === undefined
            ? "plain"
            : "degraded"
      found.push({ name, outcome, expected })
      const left = fs.readdirSync(directory)
      assert.lengthOf(left, result._tag === "Success" ? 2 : 0, name)
      for (const file of left) fs.rmSync(path.join(directory, file))
    }
    return found
  })

const isAsExpected = (outcome: string, expected: HostileFile["expected"]): boolean => {
  if (typeof expected !== "string") return expected.includes(outcome)
  const words = ["degraded", "UnsupportedFormat", "LimitExceeded", "Corrupt", ...(expected === "any" ? ["plain"] : [])]
  return words.includes(outcome)
}

const one = layerSharpImages({ processes: 1 })

describe("hostile files", () => {
  it("are the same each time", async () => {
    const [first, second] = await Promise.all([hostileFiles(1), hostileFiles(1)])
    assert.isAtLeast(first.length, 300)
    assert.isTrue(first.every(({ bytes }, index) => bytes.equals(second[index]!.bytes)))
    assert.strictEqual(new Set(first.map(({ name }) => name)).size, first.length)
  })

  it.live(
    "C6 end with a word or a picture each; the one decoder survives all of them, with less than 200 MB",
    () =>
      Effect.gen(function* () {
        const files = yield* Effect.promise(() => hostileFiles(1))
        const found = yield* outcomes(files)
        assert.deepStrictEqual(
          found.filter(({ outcome, expected }) => !isAsExpected(outcome, expected)),
          []
        )
        for (const peak of decoders().values()) assert.isBelow(peak, 200 * mebibyte)
        const images = yield* Images
        const directory = yield* folder
        const input = path.join(directory, "input")
        fs.writeFileSync(input, files.find(({ name }) => name === "a JPEG with a ZIP behind it")!.bytes)
        assert.deepInclude((yield* images.convert({ input, directory })).preview, { width: 320, height: 240 })
      }).pipe(Effect.scoped, Effect.provide(one)),
    60_000
  )

  it.live("C5 bombs are refused by their headers: a decoder that met them all has grown by less than 50 MB", () =>
    Effect.gen(function* () {
      const files = yield* Effect.promise(() => hostileFiles(1))
      yield* outcomes(files.filter(({ name }) => name === "a JPEG with a ZIP behind it"))
      const before = decoders()
      const bombs = files.filter(({ expected }) => expected.includes("LimitExceeded"))
      assert.isAtLeast(bombs.length, 5)
      yield* outcomes([...bombs, ...bombs])
      const after = decoders()
      assert.deepStrictEqual([...after.keys()], [...before.keys()], "the same decoder")
      for (const [pid, peak] of after) assert.isBelow(peak - before.get(pid)!, 50 * mebibyte)
    }).pipe(Effect.scoped, Effect.provide(one))
  )
})
