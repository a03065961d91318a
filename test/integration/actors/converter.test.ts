/** The converter on the real runtime, with the real decoder in its child processes. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeConverter } from "../../../src/actors/converter/converter.ts"
import type { Actor } from "../../../src/runtime/Actor.ts"
import { ImageError, WorkerCrashed } from "../../../src/services/images/ImageError.ts"
import { Images } from "../../../src/services/images/Images.ts"
import { syntheticPhoto } from "../../support/photos.ts"
import { startStage } from "./stage.ts"

/** The converter with a decoder that dies over every picture; `deaths` counts them. */
const withDyingDecoder = (deaths: { count: number }): Actor<any> => {
  const converter = makeConverter(null)
  const crash = Effect.suspend(() => {
    deaths.count++
    return Effect.fail(new ImageError({ reason: new WorkerCrashed({ detail: "SIGSEGV" }) }))
  })
  const images = Images.of({ convert: () => crash, normalise: () => crash, dHash: () => crash })
  return {
    ...converter,
    handler: (value, task) => Effect.provideService(converter.handler(value, task), Images, images)
  }
}

describe("the converter", () => {
  it.live("converts the same bytes once, whoever uploads them and however they are called", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run, keep } = yield* startStage({ actors: [makeConverter(null)] })
        const { sha256 } = yield* keep(
          yield* Effect.promise(() => syntheticPhoto({ width: 1_200, height: 900, seed: 3 }))
        )
        const first = yield* run("media.uploaded", { sha256, name: "one.jpg" }, "anna")
        const second = yield* run("media.uploaded", { sha256, name: "two.jpg" }, "ben")
        assert.deepStrictEqual([first.result.reused, second.result.reused], [false, true])
        assert.deepStrictEqual({ ...second.result, name: "", reused: 0 }, { ...first.result, name: "", reused: 0 })
        assert.strictEqual(second.result.name, "two.jpg")
      })
    )
  )

  it.live("a damaged picture fails at once with the reason, and one that is not there too", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run, keep } = yield* startStage({ actors: [makeConverter(null)] })
        const whole = yield* Effect.promise(() => syntheticPhoto({ width: 1_200, height: 900, seed: 4 }))
        const { sha256 } = yield* keep(whole.subarray(0, 1_500))
        const damaged = yield* run("media.uploaded", { sha256, name: "cut.jpg" })
        assert.deepStrictEqual([damaged.status, damaged.attempt], ["failed", 1])
        assert.match(damaged.reason, /Corrupt/)
        const absent = yield* run("media.uploaded", { sha256: "0".repeat(64), name: "none.jpg" })
        assert.match(absent.reason, /NotFound/)
      })
    )
  )

  it.live("a picture that killed the decoder three times is in quarantine, for this upload and every other", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const deaths = { count: 0 }
        const { run, keep } = yield* startStage({ actors: [withDyingDecoder(deaths)] })
        const { sha256 } = yield* keep(yield* Effect.promise(() => syntheticPhoto({ width: 64, height: 64, seed: 5 })))
        const first = yield* run("media.uploaded", { sha256, name: "deadly.jpg" }, "anna")
        assert.deepStrictEqual([first.status, deaths.count], ["failed", 3])
        assert.strictEqual(first.reason, "in quarantine: the picture killed the decoder 3 times")
        const second = yield* run("media.uploaded", { sha256, name: "deadly.jpg" }, "ben")
        assert.deepStrictEqual([second.status, second.attempt, deaths.count], ["failed", 1, 3])
      })
    )
  )
})
