/** Which bytes of a file a request is given, what a browser is told of its name, and what its bytes say it is. */
import { assert, describe, it } from "@effect/vitest"
import { dispositionOf, rangeOf } from "../../src/api/items/serveFile.ts"
import { mediaTypeOf } from "../../src/services/content/mediaType.ts"

describe("a range", () => {
  for (const [header, size, expected] of [
    ["bytes=0-0", 10, { from: 0, to: 0 }],
    ["bytes=2-5", 10, { from: 2, to: 5 }],
    ["bytes=5-", 10, { from: 5, to: 9 }],
    ["bytes=5-500", 10, { from: 5, to: 9 }],
    ["bytes=-3", 10, { from: 7, to: 9 }],
    ["bytes=-30", 10, { from: 0, to: 9 }],
    ["bytes=10-", 10, "none"],
    ["bytes=-0", 10, "none"],
    ["bytes=0-", 0, "none"],
    ["bytes=-5", 0, "none"],
    [undefined, 10, "all"],
    ["bytes=-", 10, "all"],
    ["bytes=5-2", 10, "all"],
    ["bytes=a-b", 10, "all"],
    ["items=0-1", 10, "all"],
    // Several at once are answered with the whole, as RFC 9110 allows.
    ["bytes=0-1,4-5", 10, "all"],
    [`bytes=${"9".repeat(30)}-`, 10, "all"]
  ] as const) {
    it(`${header} of ${size} bytes is ${JSON.stringify(expected)}`, () => {
      assert.deepStrictEqual(rangeOf(header, size), expected)
    })
  }
})

describe("a file's name", () => {
  it("cannot break out of its header, in any script", () => {
    for (const name of [
      'a"b.png',
      "a\r\nSet-Cookie: x=1",
      "é море.png",
      "../../etc/passwd",
      "a%22b",
      "\u202Egnp.exe"
    ]) {
      const disposition = dispositionOf({ type: "image/png", name })
      assert.match(disposition, /^inline; filename="[\x20-\x21\x23-\x7e]*"; filename\*=UTF-8''[\w.!~%-]*$/)
      assert.notMatch(disposition, /[\r\n]/)
      const encoded = disposition.split("UTF-8''")[1]!
      assert.strictEqual(decodeURIComponent(encoded), name)
    }
  })

  it("is shown in place only of pictures that cannot run anything", () => {
    for (const type of ["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"])
      assert.match(dispositionOf({ type, name: "x" }), /^inline;/)
    for (const type of ["image/svg+xml", "text/html", "application/pdf", "text/plain", "video/mp4", "application/xml"])
      assert.match(dispositionOf({ type, name: "x" }), /^attachment;/)
  })
})

const bytes = (text: string) => new Uint8Array(Buffer.from(text, "latin1"))

describe("the type of content", () => {
  for (const [head, name, type] of [
    ["\xff\xd8\xff\xe0\0\x10JFIF", "x.txt", "image/jpeg"],
    ["\x89PNG\r\n\x1a\n", "x.svg", "image/png"],
    ["GIF89a<script>alert(1)</script>", "x.html", "image/gif"],
    ["RIFF\0\0\0\0WEBPVP8 ", "x", "image/webp"],
    ["RIFF\0\0\0\0XXXX", "x", "application/octet-stream"],
    ["\0\0\0\x20ftypavif", "x", "image/avif"],
    ["\0\0\0\x20ftypheic", "x", "image/heic"],
    ["\0\0\0\x20ftypisom", "x", "video/mp4"],
    ["%PDF-1.7", "x", "application/pdf"],
    ["PK\x03\x04", "x.png", "application/zip"],
    ["<svg xmlns='http://www.w3.org/2000/svg'>", "x.png", "image/svg+xml"],
    ["\n<?xml version='1.0'?>\n<!-- a --><svg>", "x.png", "image/svg+xml"],
    ["<!-- c --> <HTML>", "x.png", "text/html"],
    ["a,b\n1,2\n", "x.CSV", "text/csv"],
    ["# A title\n", "x.md", "text/markdown"],
    ["plain \xc3\xa9 text", "x.png", "text/plain"],
    // Cut off in the middle of a character, as the first bytes of a text may be.
    ["cut \xc3", "x", "text/plain"],
    ["\x00\x01\x02", "x.jpg", "application/octet-stream"],
    ["", "x.jpg", "application/octet-stream"]
  ] as const) {
    it(`that begins with ${JSON.stringify(head.slice(0, 24))} in ${name} is ${type}`, () => {
      assert.strictEqual(mediaTypeOf(bytes(head), name), type)
    })
  }
})
