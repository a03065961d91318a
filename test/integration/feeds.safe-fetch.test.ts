import { assert, describe, it } from "@effect/vitest"
import { createServer } from "node:http"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib"
import { Effect, Fiber } from "effect"
import { isPublicAddress } from "../../src/services/web/publicAddress.ts"
import type { SafeFetchOptions } from "../../src/services/web/SafeFetch.ts"
import { makeSafeFetch } from "../../src/services/web/SafeFetch.ts"

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** A server on a free port of 127.0.0.1 for as long as the scope lives, and how often it was asked. */
const serving = (handler: Handler) =>
  Effect.gen(function* () {
    const seen: Array<string> = []
    const server = createServer((request, response) => {
      seen.push(request.url ?? "")
      handler(request, response)
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => {
        server.listen(0, "127.0.0.1", () => resume(Effect.void))
      }),
      () =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
    const { port } = server.address() as AddressInfo
    return { origin: `http://127.0.0.1:${port}`, port, seen, server }
  })

const get = (url: string, options: SafeFetchOptions = {}) => makeSafeFetch(options).get(url)
const reason = (url: string, options: SafeFetchOptions = {}) =>
  get(url, options).pipe(
    Effect.flip,
    Effect.map((error) => error.reason._tag)
  )

const forbidden: ReadonlyArray<string> = [
  "http://127.0.0.1/",
  "http://127.0.0.1:80/",
  "https://127.0.0.1/",
  "http://127.1/",
  "http://127.0.1/",
  "http://127.255.255.254/",
  "http://2130706433/",
  "http://0x7f000001/",
  "http://0x7f.0.0.1/",
  "http://0X7F.0X0.0X0.0X1/",
  "http://0177.0.0.1/",
  "http://017700000001/",
  "http://0/",
  "http://0.0.0.0/",
  "http://0x0/",
  "http://127.0.0.1./",
  "http://①②⑦.⓪.⓪.①/",
  "http://１２７.０.０.１/",
  "http://127。0。0。1/",
  "http://%31%32%37.0.0.1/",
  "http://localhost/",
  "http://LOCALHOST/",
  "http://localhost./",
  "http://foo.localhost/",
  "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
  "http://printer.local/",
  "http://metadata.google.internal/computeMetadata/v1/",
  "http://router.lan/",
  "http://nas.home.arpa/",
  "http://intranet/",
  "http://kubernetes/",
  "http://10.0.0.1/",
  "http://10.255.255.255/",
  "http://172.16.0.1/",
  "http://172.31.255.255/",
  "http://192.168.1.1/",
  "http://169.254.169.254/latest/meta-data/",
  "http://2852039166/",
  "http://0xa9fea9fe/",
  "http://169.254.1.1/",
  "http://100.64.0.1/",
  "http://100.127.255.255/",
  "http://192.0.0.192/",
  "http://192.0.2.1/",
  "http://198.18.0.1/",
  "http://198.51.100.7/",
  "http://203.0.113.9/",
  "http://224.0.0.1/",
  "http://239.255.255.250/",
  "http://240.0.0.1/",
  "http://255.255.255.255/",
  "http://[::1]/",
  "http://[0:0:0:0:0:0:0:1]/",
  "http://[::]/",
  "http://[::ffff:127.0.0.1]/",
  "http://[::ffff:7f00:1]/",
  "http://[::127.0.0.1]/",
  "http://[64:ff9b::7f00:1]/",
  "http://[64:ff9b:1::a9fe:a9fe]/",
  "http://[2002:7f00:1::]/",
  "http://[2002:a9fe:a9fe::1]/",
  "http://[2001:0:7f00:1::]/",
  "http://[2001:db8::1]/",
  "http://[fe80::1]/",
  "http://[fec0::1]/",
  "http://[fc00::1]/",
  "http://[fd00:ec2::254]/",
  "http://[ff02::1]/",
  "http://[100::1]/",
  "http://[3fff::1]/",
  "http://93.184.215.14:22/",
  "http://93.184.215.14:6379/",
  "https://93.184.215.14:8443/",
  "http://[2606:4700::1111]:25/"
]

const invalid: ReadonlyArray<string> = [
  "",
  "not a url",
  "//127.0.0.1/",
  "file:///etc/passwd",
  "ftp://example.com/",
  "gopher://127.0.0.1:70/_x",
  "dict://127.0.0.1:11211/",
  "data:text/html,x",
  "javascript:alert(1)",
  "http://",
  "http://user:secret@example.com/",
  "http://example.com@127.0.0.1/",
  "http://[fe80::1%25eth0]/",
  "http://999.1.1.1/",
  "http://exa mple.com/",
  "http://127.0.0.1:99999/"
]

describe("a user's URL", () => {
  it.live.each(forbidden)("%s leads nowhere", (url) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* reason(url, { resolve: async () => [] }), "ForbiddenTarget")
    })
  )

  it.live.each(invalid)("%j is not fetched at all", (url) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(get(url))
      assert.strictEqual(error.reason._tag, "InvalidUrl")
      assert.notInclude(JSON.stringify(error), "secret")
    })
  )

  it("public addresses are public", () => {
    for (const address of [
      "1.1.1.1",
      "93.184.215.14",
      "172.32.0.1",
      "192.169.0.1",
      "100.128.0.1",
      "2606:4700::1111",
      "2a00:1450:4001::1"
    ])
      assert.isTrue(isPublicAddress(address), address)
    for (const address of ["", "example.com", "1.1.1", "fe80::1%eth0", "::ffff:1.1.1.1"])
      assert.isFalse(isPublicAddress(address), address)
  })

  it.live("a name with one private address among public ones is refused", () =>
    Effect.gen(function* () {
      const resolve = async () => [
        { address: "93.184.215.14", family: 4 as const },
        { address: "10.0.0.7", family: 4 as const }
      ]
      assert.strictEqual(yield* reason("http://feed.example.com/", { resolve }), "ForbiddenTarget")
    })
  )

  it.live("a name is resolved once, and the connection goes to the address that was checked", () =>
    Effect.gen(function* () {
      const { port, seen } = yield* serving((_request, response) => response.end("hello"))
      let asked = 0
      const resolve = async () => [{ address: ++asked === 1 ? "127.0.0.1" : "10.0.0.7", family: 4 as const }]
      const url = `http://feed.example.com:${port}`
      const { bytes } = yield* get(`${url}/x`, { resolve, allowedOrigins: [url] })
      assert.strictEqual(Buffer.from(bytes).toString(), "hello")
      assert.strictEqual(asked, 1)
      assert.deepStrictEqual(seen, ["/x"])
    })
  )

  it.live("a name without an address is unresolvable, and may be tried again", () =>
    Effect.gen(function* () {
      const failing = yield* Effect.flip(
        get("http://feed.example.com/", { resolve: () => Promise.reject(new Error("ENOTFOUND")) })
      )
      assert.strictEqual(failing.reason._tag, "Unresolvable")
      assert.isTrue(failing.isRetryable)
      assert.strictEqual(yield* reason("http://feed.example.com/", { resolve: async () => [] }), "Unresolvable")
    })
  )
})

describe("a redirect", () => {
  const targets: ReadonlyArray<string> = [
    "http://127.0.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::1]/",
    "http://0x7f.1/",
    "//localhost/",
    "http://10.0.0.1:80/"
  ]
  it.live.each(targets)("to %s is refused", (location) =>
    Effect.gen(function* () {
      const { origin } = yield* serving((_request, response) => response.writeHead(302, { location }).end())
      assert.strictEqual(yield* reason(`${origin}/`, { allowedOrigins: [origin] }), "ForbiddenTarget")
    })
  )

  it.live("to another scheme is refused", () =>
    Effect.gen(function* () {
      const { origin } = yield* serving((_request, response) =>
        response.writeHead(301, { location: "file:///etc/passwd" }).end()
      )
      assert.strictEqual(yield* reason(origin, { allowedOrigins: [origin] }), "InvalidUrl")
    })
  )

  it.live("to a neighbouring port of the exempt origin is refused, and nobody is asked there", () =>
    Effect.gen(function* () {
      const secret = yield* serving((_request, response) => response.end("secret"))
      const { origin } = yield* serving((_request, response) =>
        response.writeHead(302, { location: secret.origin }).end()
      )
      assert.strictEqual(yield* reason(origin, { allowedOrigins: [origin] }), "ForbiddenTarget")
      assert.deepStrictEqual(secret.seen, [])
    })
  )

  it.live("is followed five times, not six, and relative ones too", () =>
    Effect.gen(function* () {
      const { origin, seen } = yield* serving((request, response) => {
        const left = Number(request.url?.slice(1))
        if (left === 0) response.end("there")
        else response.writeHead(307, { location: `${left - 1}` }).end()
      })
      const allowed = { allowedOrigins: [origin] }
      const answer = yield* get(`${origin}/5`, allowed)
      assert.strictEqual(answer.url, `${origin}/0`)
      assert.lengthOf(seen, 6)
      assert.strictEqual(yield* reason(`${origin}/6`, allowed), "BadRedirect")
    })
  )

  it.live("without a location is no answer", () =>
    Effect.gen(function* () {
      const { origin } = yield* serving((_request, response) => response.writeHead(302).end())
      assert.strictEqual(yield* reason(origin, { allowPrivate: true }), "BadRedirect")
    })
  )
})

describe("an answer", () => {
  const text = "сто слов ".repeat(100)
  const encodings: ReadonlyArray<readonly [string, Buffer]> = [
    ["identity", Buffer.from(text)],
    ["gzip", gzipSync(text)],
    ["deflate", deflateSync(text)],
    ["br", brotliCompressSync(text)]
  ]
  it.live.each(encodings)("in %s is unpacked", ([encoding, body]) =>
    Effect.gen(function* () {
      const { origin } = yield* serving((_request, response) =>
        response.writeHead(200, { "content-encoding": encoding, "x-a": ["1", "2"] }).end(body)
      )
      const { status, bytes, headers } = yield* get(origin, { allowPrivate: true })
      assert.strictEqual(status, 200)
      assert.strictEqual(headers["x-a"], "1, 2")
      assert.strictEqual(Buffer.from(bytes).toString(), text)
    })
  )

  it.live("that is too large ends the connection, also when it is small only on the wire", () =>
    Effect.gen(function* () {
      const bomb = gzipSync(Buffer.alloc(20_000_000))
      const { origin } = yield* serving((request, response) =>
        request.url === "/bomb"
          ? response.writeHead(200, { "content-encoding": "gzip" }).end(bomb)
          : response.end(Buffer.alloc(200_000))
      )
      const limits = { allowPrivate: true, maxBytes: 100_000 }
      assert.strictEqual(yield* reason(`${origin}/bomb`, limits), "TooLarge")
      assert.strictEqual(yield* reason(`${origin}/plain`, limits), "TooLarge")
    })
  )

  it.live("in an encoding nobody asked for, or broken, is told as such", () =>
    Effect.gen(function* () {
      const { origin } = yield* serving((request, response) =>
        request.url === "/zstd"
          ? response.writeHead(200, { "content-encoding": "zstd" }).end("x")
          : response
              .writeHead(200, { "content-encoding": request.url === "/br" ? "br" : "gzip" })
              .end("this is not packed at all")
      )
      for (const path of ["/zstd", "/gzip", "/br"])
        assert.strictEqual(yield* reason(`${origin}${path}`, { allowPrivate: true }), "BadEncoding")
    })
  )

  it.live("that never comes, or stops midway, ends in time", () =>
    Effect.gen(function* () {
      const { origin } = yield* serving((request, response) => {
        if (request.url === "/midway") response.writeHead(200, { "content-length": "100" }).write("half")
      })
      const limits = { allowPrivate: true, timeout: "60 millis" } as const
      assert.strictEqual(yield* reason(`${origin}/never`, limits), "TimedOut")
      assert.strictEqual(yield* reason(`${origin}/midway`, limits), "TimedOut")
    })
  )

  it.live("that is cut off, or a port nobody listens on, is unreachable", () =>
    Effect.gen(function* () {
      const { origin, server } = yield* serving((_request, response) => {
        response.writeHead(200, { "content-length": "100" })
        response.write("half", () => response.destroy())
      })
      assert.strictEqual(yield* reason(origin, { allowPrivate: true }), "Unreachable")
      server.close()
      assert.strictEqual(yield* reason(origin, { allowPrivate: true }), "Unreachable")
    })
  )

  it.live("nobody waits for any more lets go of the connection", () =>
    Effect.gen(function* () {
      let closed: () => void = () => undefined
      const gone = new Promise<void>((resolve) => (closed = resolve))
      let arrived: () => void = () => undefined
      const there = new Promise<void>((resolve) => (arrived = resolve))
      const { origin } = yield* serving((request) => {
        request.socket.once("close", () => closed())
        arrived()
      })
      const fiber = yield* Effect.forkChild(get(origin, { allowPrivate: true }), { startImmediately: true })
      yield* Effect.promise(() => there)
      yield* Fiber.interrupt(fiber)
      yield* Effect.promise(() => gone)
    })
  )
})
