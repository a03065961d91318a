import { assert, describe, it } from "@effect/vitest"
import { reasonOf } from "../../src/services/images/DecodeFailure.ts"

const failure = (message: string, code?: string) =>
  Object.assign(new Error(message), code === undefined ? {} : { code })

describe("what the decoder says", () => {
  it("is told by its words", () => {
    for (const [cause, tag] of [
      [failure("Input file contains unsupported image format"), "UnsupportedFormat"],
      [failure("Input image exceeds pixel limit"), "LimitExceeded"],
      [failure("timeout: 42% complete"), "Timeout"],
      [failure("VipsJpeg: premature end of JPEG image"), "Corrupt"],
      [failure("pngload: libspng read error"), "Corrupt"],
      [failure("Input file is missing: /x"), "StorageError"],
      [failure("ENOSPC: no space left on device, write", "ENOSPC"), "StorageError"],
      ["a text that was thrown", "Corrupt"]
    ] as const) {
      assert.strictEqual(reasonOf(cause)._tag, tag)
    }
  })

  it("is cut to one line, whatever a file made the decoder write", () => {
    assert.strictEqual(reasonOf(failure(`bad\n${"x".repeat(10_000)}`)).detail, "bad")
    assert.isAtMost(reasonOf(failure("y".repeat(10_000))).detail.length, 300)
  })
})
