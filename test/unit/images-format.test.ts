import { assert, describe, it } from "@effect/vitest"
import { kindOf } from "../../src/services/images/Format.ts"

const head = (text: string) => Buffer.from(text, "latin1")
const box = (major: string, ...compatible: ReadonlyArray<string>) =>
  head(`\0\0\0${String.fromCharCode(16 + compatible.length * 4)}ftyp${major}\0\0\0\0${compatible.join("")}`)

describe("the kind of a file", () => {
  it("is told by its first bytes", () => {
    for (const [bytes, format] of [
      [head("\xff\xd8\xff\xe0\0\x10JFIF"), "jpeg"],
      [head("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "png"],
      [head("GIF87a"), "gif"],
      [head("GIF89a"), "gif"],
      [head("RIFF\x10\n\0\0WEBPVP8 "), "webp"],
      [head("II*\0\x08\0\0\0"), "tiff"],
      [head("MM\0*\0\0\0\x08"), "tiff"],
      [box("avif"), "avif"],
      [box("mif1", "miaf", "avif"), "avif"]
    ] as const) {
      assert.deepStrictEqual(kindOf(bytes), { format })
    }
  })

  it("that is not converted has a name people know", () => {
    for (const [bytes, other] of [
      [head("<svg xmlns='http://www.w3.org/2000/svg'/>"), "an SVG drawing"],
      [
        head("\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a --><!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///']>"),
        "an SVG drawing"
      ],
      [head("%PDF-1.7"), "a PDF document"],
      [head("PK\x03\x04"), "a ZIP archive"],
      [box("heic", "mif1"), "a HEIC picture"],
      [box("isom", "mp41"), "a video"],
      [head("II*\0\x10\0\0\0CR\x02\0"), "a camera's raw picture"],
      [head("BM\x10\0\0\0"), "a BMP picture"],
      [head("<!DOCTYPE html><html>"), "a text in HTML or XML"],
      [head("no picture"), "no picture of a known kind"],
      [head(""), "no picture of a known kind"]
    ] as const) {
      assert.deepInclude(kindOf(bytes), { other })
    }
  })

  it("of a box that ends within its own length is told all the same", () => {
    assert.deepStrictEqual(kindOf(head("\xff\xff\xff\xffftypavif")), { format: "avif" })
    assert.deepInclude(kindOf(head("\0\0\0\x08ftyp")), { other: "a video" })
  })
})
