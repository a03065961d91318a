/**
 * What becomes of pictures: sizes, colours, orientation, and why some are refused. C1 to C10 are the rules' numbers; C5
 * is in images-corpus.test.ts, C7, C9 and C10 are in images-children.test.ts, C8 is in actors/converter.test.ts.
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import sharp, { type Color, type Sharp } from "sharp"
import { thumbHashToApproximateAspectRatio, thumbHashToAverageRGBA } from "thumbhash"
import { dHashDistance, Images } from "../../src/services/images/Images.ts"
import { currentRecipe, type Recipe } from "../../src/services/images/Recipe.ts"
import { layerSharpImages } from "../../src/services/images/SharpImages.ts"
import { adobeRgbProfile, exifBlock, photoPixels, pngOfZeros, syntheticPhoto } from "../support/photos.ts"
import { plainTiff, tiffOf } from "../support/tiff.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "postroom-images-"))),
  (made) => Effect.sync(() => fs.rmSync(made, { recursive: true }))
)
const encode = (picture: Sharp) => Effect.promise(() => picture.toBuffer())
const photo = (width: number, height: number, seed = 1) =>
  Effect.promise(() => syntheticPhoto({ width, height, seed, quality: 90 }))
const pixelsOf = (bytes: Uint8Array | string) =>
  Effect.promise(() => sharp(bytes).raw().toBuffer({ resolveWithObject: true }))
const headerOf = (file: string) => Effect.promise(() => sharp(file).metadata())

/** Converts `bytes` in a folder of its own and checks that exactly the two results, or nothing, are in it after. */
const convert = (bytes: Uint8Array, keepPosition = false, recipe: Recipe = currentRecipe) =>
  Effect.gen(function* () {
    const images = yield* Images
    const directory = yield* folder
    const input = path.join(yield* folder, "input")
    fs.writeFileSync(input, bytes)
    const result = yield* images
      .convert({ input, directory, keepPosition, recipe })
      .pipe(Effect.onError(() => Effect.sync(() => assert.deepStrictEqual(fs.readdirSync(directory), []))))
    assert.strictEqual(fs.readdirSync(directory).length, 2)
    return result
  })
const refusal = (bytes: Uint8Array) => Effect.map(Effect.flip(convert(bytes)), ({ reason }) => reason)
const flat = (width: number, height: number, background: Color) =>
  sharp({ create: { width, height, channels: 3, background } })
const nearly = (actual: ReadonlyArray<number>, expected: ReadonlyArray<number>, tolerance: number) => {
  for (const [index, value] of expected.entries()) assert.approximately(actual[index] ?? Number.NaN, value, tolerance)
}

/** JPEG whose stored pixels are those of `upright` as a camera held the other way writes them (EXIF 2.32, tag 274). */
const stored = (
  upright: { readonly data: Buffer; readonly width: number; readonly height: number },
  orientation: number
) => {
  const turned = orientation >= 5
  const width = turned ? upright.height : upright.width
  const height = turned ? upright.width : upright.height
  const shown: Record<number, (x: number, y: number) => readonly [number, number]> = {
    1: (x, y) => [x, y],
    2: (x, y) => [width - 1 - x, y],
    3: (x, y) => [width - 1 - x, height - 1 - y],
    4: (x, y) => [x, height - 1 - y],
    5: (x, y) => [y, x],
    6: (x, y) => [height - 1 - y, x],
    7: (x, y) => [height - 1 - y, width - 1 - x],
    8: (x, y) => [y, width - 1 - x]
  }
  const data = Buffer.alloc(upright.data.length)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [shownX, shownY] = shown[orientation]?.(x, y) ?? [0, 0]
      upright.data.copy(
        data,
        (y * width + x) * 3,
        (shownY * upright.width + shownX) * 3,
        (shownY * upright.width + shownX) * 3 + 3
      )
    }
  }
  return sharp(data, { raw: { width, height, channels: 3 } })
    .withMetadata({ orientation })
    .jpeg({ quality: 95 })
}

const limits = { processes: 2, maxBytes: 20_000_000, maxFrames: 5, memory: 150_000_000 }

layer(layerSharpImages(limits), { excludeTestServices: true })("a picture", (it) => {
  it.effect("of 12 megapixels becomes a preview of 1344 and a thumbnail of 384 pixels, as told", () =>
    Effect.gen(function* () {
      const result = yield* convert(yield* photo(4_032, 3_024))
      assert.deepInclude(result.source, { format: "jpeg", width: 4_032, height: 3_024 })
      assert.isUndefined(result.degraded)
      for (const [derivative, width, height] of [
        [result.preview, 1_344, 1_008],
        [result.thumbnail, 384, 288]
      ] as const) {
        assert.deepInclude(derivative, { width, height })
        const bytes = fs.readFileSync(derivative.path)
        assert.strictEqual(derivative.bytes, bytes.length)
        assert.strictEqual(derivative.sha256, createHash("sha256").update(bytes).digest("hex"))
        assert.deepInclude(yield* headerOf(derivative.path), { format: "jpeg", width, height, space: "srgb" })
      }
    })
  )

  it.effect("C1 gives the same bytes each time", () =>
    Effect.gen(function* () {
      const bytes = yield* photo(900, 700)
      const [one, two] = yield* Effect.all([convert(bytes), convert(bytes)], { concurrency: 2 })
      assert.strictEqual(one.preview.sha256, two.preview.sha256)
      assert.strictEqual(one.thumbnail.sha256, two.thumbnail.sha256)
    })
  )

  it.effect("C2 keeps its shape to a pixel, and is as large as is said", () =>
    Effect.gen(function* () {
      for (const [width, height] of [
        [1_999, 1_000],
        [701, 1_501],
        [3_001, 17],
        [2_881, 2_880]
      ] as const) {
        const result = yield* convert(yield* encode(flat(width, height, "#336699").jpeg()))
        for (const [derivative, most] of [
          [result.preview, 1_440],
          [result.thumbnail, 384]
        ] as const) {
          const shown = yield* headerOf(derivative.path)
          assert.deepInclude(derivative, { width: shown.width, height: shown.height })
          assert.isAtMost(Math.max(shown.width, shown.height), most)
          const scale = Math.max(shown.width, shown.height) / Math.max(width, height)
          assert.approximately(shown.width, width * scale, 1)
          assert.approximately(shown.height, height * scale, 1)
        }
      }
    })
  )

  it.effect("C3 comes out upright whichever way the camera was held", () =>
    Effect.gen(function* () {
      const corners = { topLeft: [220, 20, 20], topRight: [20, 220, 20], bottomLeft: [20, 20, 220] } as const
      const width = 96
      const height = 64
      const data = Buffer.alloc(width * height * 3, 128)
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const colour =
            y < 32 ? (x < 48 ? corners.topLeft : corners.topRight) : x < 48 ? corners.bottomLeft : [230, 230, 230]
          Buffer.from(colour).copy(data, (y * width + x) * 3)
        }
      }
      for (let orientation = 1; orientation <= 8; orientation++) {
        const result = yield* convert(yield* encode(stored({ data, width, height }, orientation)))
        assert.deepInclude(result.preview, { width, height }, `orientation ${orientation}`)
        assert.deepInclude(result.source, { width, height })
        assert.strictEqual(result.exif.orientation, orientation)
        const shown = yield* pixelsOf(result.preview.path)
        const at = (x: number, y: number) => [...shown.data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)]
        nearly(at(10, 10), corners.topLeft, 12)
        nearly(at(85, 10), corners.topRight, 12)
        nearly(at(10, 55), corners.bottomLeft, 12)
      }
    })
  )

  it.effect("C2 is never enlarged", () =>
    Effect.gen(function* () {
      const result = yield* convert(yield* photo(100, 50))
      assert.deepInclude(result.preview, { width: 100, height: 50 })
      assert.deepInclude(result.thumbnail, { width: 100, height: 50 })
      const line = yield* convert(yield* encode(flat(3_000, 1, "#333333").png()))
      assert.deepInclude(line.preview, { width: 1_440, height: 1 })
    })
  )

  it.effect("C4 in Display P3 keeps its colours in sRGB, and loses the profile", () =>
    Effect.gen(function* () {
      const colour = { r: 200, g: 60, b: 60 }
      const wide = yield* encode(flat(64, 64, colour).withIccProfile("p3").png())
      const raw = yield* Effect.promise(() => sharp(wide, { ignoreIcc: true }).raw().toBuffer())
      // The numbers in the file are others: taking them as they are would show.
      assert.isAbove(Math.abs((raw[0] ?? 0) - colour.r), 5)
      const result = yield* convert(wide)
      const { data } = yield* pixelsOf(result.preview.path)
      nearly([...data.subarray(0, 3)], [200, 60, 60], 2)
      assert.isUndefined((yield* headerOf(result.preview.path)).icc)
    })
  )

  it.effect("C4 in Adobe RGB keeps its colours in sRGB too", () =>
    Effect.gen(function* () {
      const profile = path.join(yield* folder, "wide.icc")
      fs.writeFileSync(profile, adobeRgbProfile())
      const colour = { r: 190, g: 80, b: 60 }
      const wide = yield* encode(flat(64, 64, colour).withIccProfile(profile).png())
      const raw = yield* Effect.promise(() => sharp(wide, { ignoreIcc: true }).raw().toBuffer())
      assert.isAbove(Math.abs((raw[0] ?? 0) - colour.r), 5)
      const { data } = yield* pixelsOf((yield* convert(wide)).preview.path)
      nearly([...data.subarray(0, 3)], [190, 80, 60], 2)
    })
  )

  it.effect("C4 with transparency stands on white", () =>
    Effect.gen(function* () {
      const clear = sharp({
        create: { width: 40, height: 40, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } }
      })
      for (const bytes of [yield* encode(clear.clone().png()), yield* encode(clear.clone().webp())]) {
        const { data, info } = yield* pixelsOf((yield* convert(bytes)).preview.path)
        assert.strictEqual(info.channels, 3)
        nearly([...data.subarray(0, 3)], [255, 255, 255], 1)
      }
    })
  )

  it.effect("in grey, CMYK or 16 bits becomes a plain one", () =>
    Effect.gen(function* () {
      const picture = flat(64, 48, { r: 120, g: 120, b: 120 })
      // What CMYK without a profile means is a matter of taste; the others are exact.
      for (const [made, tolerance] of [
        [picture.clone().greyscale().jpeg(), 2],
        [picture.clone().toColourspace("cmyk").jpeg({ quality: 95 }), 16],
        [picture.clone().toColourspace("rgb16").png(), 2],
        [picture.clone().tiff(), 2],
        [picture.clone().gif(), 2],
        [picture.clone().avif(), 3]
      ] as const) {
        const { data, info } = yield* pixelsOf((yield* convert(yield* encode(made))).preview.path)
        assert.strictEqual(info.channels, 3)
        nearly([...data.subarray(0, 3)], [120, 120, 120], tolerance)
      }
    })
  )

  it.effect("C3 tells when and with what it was taken, and where only if asked; its derivatives tell nothing", () =>
    Effect.gen(function* () {
      const exif = exifBlock({
        little: true,
        image: { 0x0110: { text: "Camera 1" }, 0x0112: { short: 3 } },
        photo: { 0x9003: { text: "2026:03:04 05:06:07" } },
        gps: {
          1: { text: "N" },
          2: {
            rational: [
              [48, 1],
              [30, 1],
              [0, 1]
            ]
          },
          3: { text: "W" },
          4: {
            rational: [
              [9, 1],
              [0, 1],
              [0, 1]
            ]
          }
        }
      })
      const plain = yield* photo(64, 48)
      // An APP1 segment right after the start of the image.
      const size = Buffer.from([0xff, 0xe1, (exif.length + 2) >> 8, (exif.length + 2) & 255])
      const bytes = Buffer.concat([plain.subarray(0, 2), size, exif, plain.subarray(2)])
      const told = { model: "Camera 1", orientation: 3, takenAt: "2026-03-04T05:06:07" }
      assert.deepStrictEqual((yield* convert(bytes)).exif, told)
      const result = yield* convert(bytes, true)
      assert.deepStrictEqual(result.exif, { ...told, position: { latitude: 48.5, longitude: -9 } })
      for (const { path: file } of [result.preview, result.thumbnail]) {
        const header = yield* headerOf(file)
        assert.deepStrictEqual(
          [header.exif, header.xmp, header.iptc, header.icc],
          [undefined, undefined, undefined, undefined]
        )
      }
    })
  )

  it.effect("that is none, or of a kind not decoded here, is refused as such", () =>
    Effect.gen(function* () {
      for (const text of [
        "just text",
        '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>',
        '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
        "%PDF-1.7\n1 0 obj\n<< >>\nendobj\n"
      ]) {
        assert.strictEqual((yield* refusal(Buffer.from(text)))._tag, "UnsupportedFormat")
      }
    })
  )

  it.effect("that is empty or cut off is refused as damaged", () =>
    Effect.gen(function* () {
      const bytes = yield* photo(800, 600)
      const png = yield* encode(sharp(bytes).png())
      for (const damaged of [
        new Uint8Array(),
        bytes.subarray(0, bytes.length >> 1),
        png.subarray(0, png.length >> 1)
      ]) {
        assert.strictEqual((yield* refusal(damaged))._tag, "Corrupt")
      }
    })
  )

  it.effect("C6 that is damaged in the middle is used, but never as if it were whole", () =>
    Effect.gen(function* () {
      const bytes = Buffer.from(yield* photo(800, 600))
      bytes.fill(0xa5, bytes.length >> 1, (bytes.length >> 1) + 200)
      const result = yield* convert(bytes)
      assert.isString(result.degraded)
      assert.deepInclude(result.preview, { width: 800, height: 600 })
    })
  )

  it.effect("that would swell to hundreds of megapixels, or is too large a file, is refused by its header", () =>
    Effect.gen(function* () {
      const bomb = pngOfZeros(16_000)
      assert.isBelow(bomb.length, 1_000_000)
      assert.deepInclude(yield* refusal(bomb), { _tag: "LimitExceeded", limit: "pixels" })
      const heavy = Buffer.concat([yield* photo(64, 48), Buffer.alloc(20_000_000)])
      assert.deepInclude(yield* refusal(heavy), { _tag: "LimitExceeded", limit: "bytes" })
    })
  )

  it.effect("with too many frames or channels, or that would take too much memory, is refused by its header", () =>
    Effect.gen(function* () {
      const frames = yield* Effect.forEach(["#ff0000", "#00ff00", "#0000ff"], (colour) =>
        encode(flat(8, 8, colour).png())
      )
      const long = yield* encode(sharp([...frames, ...frames], { join: { animated: true } }).gif())
      assert.deepInclude(yield* refusal(long), { _tag: "LimitExceeded", limit: "frames" })
      const many = tiffOf([plainTiff(8, 8, 6)], Buffer.alloc(8 * 8 * 6))
      assert.deepInclude(yield* refusal(many), { _tag: "LimitExceeded", limit: "channels" })
      const heavy = yield* encode(flat(3_000, 2_000, "#777777").avif({ effort: 0 }))
      assert.deepInclude(yield* refusal(heavy), { _tag: "LimitExceeded", limit: "memory" })
    })
  )

  it.effect("has a thumbhash whose colours are the picture's", () =>
    Effect.gen(function* () {
      const { thumbhash } = yield* convert(yield* encode(flat(400, 300, { r: 200, g: 100, b: 50 }).jpeg()))
      const bytes = Buffer.from(thumbhash, "base64")
      assert.isAtMost(bytes.length, 28)
      const { r, g, b, a } = thumbHashToAverageRGBA(bytes)
      nearly([r * 255, g * 255, b * 255, a], [200, 100, 50, 1], 8)
      const shape = thumbHashToApproximateAspectRatio(
        Buffer.from((yield* convert(yield* photo(900, 300))).thumbhash, "base64")
      )
      assert.isAbove(shape, 1.5)
    })
  )

  it.effect("that moves stands still in its derivatives, unless the recipe lets it move", () =>
    Effect.gen(function* () {
      const frames = yield* Effect.forEach(["#ff0000", "#00ff00", "#0000ff"], (colour) =>
        encode(flat(40, 30, colour).png())
      )
      for (const moving of [
        sharp(frames, { join: { animated: true } }).gif({ delay: [100, 200, 300] }),
        sharp(frames, { join: { animated: true } }).webp({ delay: [100, 200, 300], lossless: true })
      ]) {
        const bytes = yield* encode(moving)
        const still = yield* convert(bytes)
        assert.deepInclude(still.source, { width: 40, height: 30, frames: 3 })
        assert.deepInclude(still.preview, { format: "jpeg", width: 40, height: 30 })
        nearly([...(yield* pixelsOf(still.preview.path)).data.subarray(0, 3)], [255, 0, 0], 3)
        const animated = yield* convert(bytes, false, { ...currentRecipe, previewEdge: 20, animatedFrames: 2 })
        assert.deepInclude(animated.preview, { format: "webp", width: 20, height: 15 })
        assert.deepInclude(animated.thumbnail, { format: "jpeg", width: 20, height: 15 })
        assert.deepInclude(yield* headerOf(animated.preview.path), { format: "webp", pages: 2, delay: [100, 200] })
      }
    })
  )

  it.effect("that is missing is a fault of the disk, to be tried again", () =>
    Effect.gen(function* () {
      const images = yield* Images
      const directory = yield* folder
      const error = yield* Effect.flip(images.convert({ input: path.join(directory, "none"), directory }))
      assert.deepStrictEqual([error.reason._tag, error.isRetryable], ["StorageError", true])
      const input = path.join(directory, "input")
      fs.writeFileSync(input, yield* photo(64, 48))
      const nowhere = yield* Effect.flip(images.convert({ input, directory: path.join(directory, "none") }))
      assert.strictEqual(nowhere.reason._tag, "StorageError")
    })
  )

  it.effect("is made fit to be sent: small, a JPEG, or a PNG where it is transparent", () =>
    Effect.gen(function* () {
      const images = yield* Images
      const large = yield* images.normalise(yield* photo(2_000, 1_500))
      assert.deepInclude(large, { format: "jpeg", width: 1_280, height: 960 })
      assert.strictEqual((yield* Effect.promise(() => sharp(large.bytes).metadata())).width, 1_280)
      const opaque = yield* encode(flat(50, 40, "#336699").ensureAlpha(1).png())
      assert.deepInclude(yield* images.normalise(opaque), { format: "jpeg", width: 50, height: 40 })
      const clear = yield* encode(flat(50, 40, "#336699").ensureAlpha(0.5).png())
      const kept = yield* images.normalise(clear, 25)
      assert.deepInclude(kept, { format: "png", width: 25, height: 20 })
      assert.isTrue((yield* Effect.promise(() => sharp(kept.bytes).metadata())).hasAlpha)
    })
  )

  it.effect("is known again by its difference hash after it was scaled and compressed", () =>
    Effect.gen(function* () {
      const images = yield* Images
      const raw = { width: 900, height: 600, seed: 3 }
      const picture = sharp(photoPixels(raw), { raw: { width: 900, height: 600, channels: 3 } })
      const original = yield* images.dHash(yield* encode(picture.clone().png()))
      const copy = yield* images.dHash(yield* encode(picture.clone().resize(300).jpeg({ quality: 50 })))
      const other = yield* images.dHash(yield* encode(picture.clone().flop().negate().png()))
      assert.match(original, /^[0-9a-f]{16}$/)
      assert.isAtMost(dHashDistance(original, copy), 6)
      assert.isAtLeast(dHashDistance(original, other), 10)
    })
  )
})
