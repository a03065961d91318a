import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { gzipSync } from "node:zlib"
import { returnBigInt } from "telegram/Helpers.js"
import { Api, serializeBytes } from "telegram/tl/index.js"
import { decodeTl, splitContainer, TlDecodeFailure } from "../../../src/sandbox/telegram/TlDecoder.ts"
import { detectTransport, maxFrameBytes } from "../../../src/sandbox/telegram/Transport.ts"

const peer = new Api.InputPeerChannel({ channelId: returnBigInt(1), accessHash: returnBigInt("-5") })
const requests = [
  new Api.messages.SendMessage({
    peer,
    message: "жhi 😀",
    randomId: returnBigInt("9223372036854775807"),
    silent: true,
    entities: [
      new Api.MessageEntityBold({ offset: 0, length: 3 }),
      new Api.MessageEntityTextUrl({ offset: 0, length: 3, url: "https://x.y" })
    ]
  }),
  new Api.channels.GetMessages({
    channel: new Api.InputChannel({ channelId: returnBigInt(1), accessHash: returnBigInt(2) }),
    id: [1, 2, 3].map((id) => new Api.InputMessageID({ id }))
  }),
  new Api.MsgsAck({ msgIds: [returnBigInt(1), returnBigInt(2)] }),
  new Api.upload.SaveFilePart({ fileId: returnBigInt(9), filePart: 3, bytes: Buffer.alloc(1000, 7) }),
  new Api.InvokeWithLayer({ layer: 198, query: new Api.help.GetConfig() as never })
]
const onlyDecodeFailures = (read: () => unknown) => {
  try {
    read()
  } catch (error) {
    assert.instanceOf(error, TlDecodeFailure)
  }
}

describe("reading what clients send", () => {
  it("what GramJS writes is read to the same bytes", () => {
    for (const request of requests) {
      const bytes = request.getBytes()
      const decoded = decodeTl(bytes) as unknown as { readonly getBytes: () => Buffer }
      assert.deepStrictEqual(decoded.getBytes(), bytes, request.className)
      const packed = Buffer.concat([Buffer.from([0xa1, 0xcf, 0x72, 0x30]), serializeBytes(gzipSync(bytes))])
      assert.strictEqual(decodeTl(packed).className, request.className)
    }
  })

  it("any bytes are a value or a decode failure", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => onlyDecodeFailures(() => decodeTl(Buffer.from(bytes))))
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) =>
        onlyDecodeFailures(() => splitContainer(Buffer.from(bytes)))
      )
    )
  })

  it("requests with bytes changed or cut off are a value or a decode failure, and spoil nothing for the next one", () => {
    fc.assert(
      fc.property(fc.constantFrom(...requests), fc.nat(), fc.nat(255), fc.nat(), (request, at, value, length) => {
        const bytes = Buffer.from(request.getBytes())
        bytes[at % bytes.length] = value
        onlyDecodeFailures(() => decodeTl(bytes))
        onlyDecodeFailures(() => decodeTl(bytes.subarray(0, length % bytes.length)))
      }),
      { numRuns: 2000 }
    )
    for (const request of requests) {
      assert.deepStrictEqual((decodeTl(request.getBytes()) as unknown as Api.AnyRequest).getBytes(), request.getBytes())
    }
  })

  it("a transport takes frames off any bytes without looping or reading past them", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), (start) => {
        const detected = detectTransport(Buffer.from(start))
        if (detected === undefined) return
        let { rest } = detected
        for (;;) {
          const read = detected.transport.read(rest)
          if (read._tag !== "Frame") return
          assert.isBelow(read.rest.length, rest.length)
          assert.isAtMost(read.payload.length, maxFrameBytes)
          rest = read.rest
        }
      })
    )
  })

  for (const [name, tag] of [
    ["full", []],
    ["abridged", [0xef]],
    ["intermediate", [0xee, 0xee, 0xee, 0xee]],
    ["padded", [0xdd, 0xdd, 0xdd, 0xdd]]
  ] as const) {
    it(`what ${name} writes, ${name} reads, in whatever pieces it comes`, () => {
      fc.assert(
        fc.property(
          fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 }),
          fc.nat(),
          (sizes, cut) => {
            const first = Buffer.from([...tag, 0x10, 0, 0, 0])
            const writer = detectTransport(first)!.transport
            const reader = detectTransport(first)!.transport
            assert.strictEqual(reader.name, name)
            const payloads = sizes.map((size) => Buffer.alloc(size * 4, size))
            const wire = Buffer.concat(payloads.map((payload) => writer.write(payload)))
            const at = cut % wire.length
            const found: Array<Buffer> = []
            let pending = Buffer.alloc(0)
            for (const piece of [wire.subarray(0, at), wire.subarray(at)]) {
              pending = Buffer.concat([pending, piece])
              for (let read = reader.read(pending); read._tag === "Frame"; read = reader.read(pending)) {
                found.push(read.payload)
                pending = Buffer.from(read.rest)
              }
            }
            assert.deepStrictEqual(found, payloads)
          }
        )
      )
    })
  }
})
