import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { readExif } from "../../src/services/images/Exif.ts"
import { exifBlock } from "../support/photos.ts"

const full = (little: boolean) =>
  exifBlock({
    little,
    image: { 0x0112: { short: 6 }, 0x010f: { text: "Maker" }, 0x0110: { text: "Camera 1" }, 0x0131: { text: "fw 2" } },
    photo: {
      0x9003: { text: "2026:03:04 05:06:07" },
      0x9011: { text: "+03:00" },
      0x829a: { rational: [[1, 250]] },
      0x829d: { rational: [[28, 10]] },
      0x8827: { short: 400 },
      0x920a: { rational: [[50, 1]] },
      0xa434: { text: "Lens 50" }
    },
    gps: {
      1: { text: "S" },
      2: {
        rational: [
          [33, 1],
          [51, 1],
          [3_540, 100]
        ]
      },
      3: { text: "E" },
      4: {
        rational: [
          [151, 1],
          [12, 1],
          [36, 1]
        ]
      },
      6: { rational: [[58, 1]] }
    }
  })

const camera = {
  orientation: 6,
  make: "Maker",
  model: "Camera 1",
  software: "fw 2",
  lens: "Lens 50",
  takenAt: "2026-03-04T05:06:07+03:00",
  exposureSeconds: 1 / 250,
  fNumber: 2.8,
  iso: 400,
  focalLengthMm: 50
}

describe("the EXIF of a picture", () => {
  it("is read in both byte orders, with and without the JPEG marker's prefix", () => {
    for (const little of [true, false]) {
      const block = full(little)
      assert.deepStrictEqual(readExif(block, false), camera)
      assert.deepStrictEqual(readExif(block.subarray(6), false), camera)
    }
  })

  it("the place is left out unless it is asked for", () => {
    assert.isUndefined(readExif(full(true), false).position)
    assert.deepStrictEqual(readExif(full(true), true).position, {
      latitude: -33.859833,
      longitude: 151.21,
      altitude: 58
    })
  })

  it("fields that make no sense are left out, the others stay", () => {
    const block = exifBlock({
      little: true,
      image: { 0x0112: { short: 9 }, 0x010f: { text: "Ma\u0001ker" }, 0x0110: { text: "" } },
      photo: {
        0x9003: { text: "0000:00:00 00:00:00" },
        0x829a: { rational: [[1, 0]] },
        0x8827: { short: 0 },
        0x920a: { rational: [[35, 1]] }
      },
      gps: { 1: { text: "N" }, 2: { rational: [[91, 1]] } }
    })
    assert.deepStrictEqual(readExif(block, true), { make: "Ma ker", focalLengthMm: 35 })
  })

  it("a directory that points to itself ends", () => {
    const block = exifBlock({ little: true, image: { 0x8769: { long: 8 }, 0x0110: { text: "Loop" } } })
    assert.strictEqual(readExif(block, true).model, "Loop")
  })

  it.prop(
    "no bytes make the reader fail",
    {
      cut: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 400 })),
      noise: Schema.Array(Schema.Int),
      little: Schema.Boolean
    },
    ({ cut, noise, little }) => {
      const block = Buffer.from(full(little))
      for (const [index, value] of noise.entries()) block[Math.abs(value * 31 + index) % block.length] = value & 255
      assert.isObject(readExif(block.subarray(0, cut), true))
      assert.isObject(readExif(block, true))
    }
  )
})
