/**
 * The web side of the demo world: feeds with ETag, channel pages as on t.me, pictures, and the pages
 * that feed entries link to. Reads only.
 */
import { createHash } from "node:crypto"
import type { IncomingMessage, ServerResponse } from "node:http"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Context, Effect, Layer } from "effect"
import type { Scope } from "effect"
import type { WorldBytes } from "../telegram/WorldModel.ts"
import type { DemoWorld } from "../world/DemoWorld.ts"
import { channelPage } from "./channelPage.ts"
import { feedXml } from "./feedXml.ts"

/** The running server. */
export interface DemoWebShape {
  /** `http://127.0.0.1:<port>` */
  readonly baseUrl: string
  /** Address of a feed by its name. */
  readonly feedUrl: (name: string) => string
}

interface WebAnswer {
  readonly status: number
  readonly type: string
  readonly body: string | Uint8Array
}

const notFound: WebAnswer = { status: 404, type: "text/plain; charset=utf-8", body: "not found" }

const filesOf = (world: DemoWorld): ReadonlyMap<string, WorldBytes> => {
  const files = new Map<string, WorldBytes>()
  for (const { pictures } of world.posts) for (const picture of pictures) files.set(picture.name, picture.bytes)
  for (const { posts } of world.model.channels)
    for (const { video } of posts ?? []) if (video !== undefined) files.set(video.name, video.bytes)
  return files
}

const answerPath = async (world: DemoWorld, files: ReadonlyMap<string, WorldBytes>, url: URL): Promise<WebAnswer> => {
  const [, folder, name = ""] = url.pathname.split("/")
  if (folder === "feeds") {
    const found = world.feeds.find(({ feed }) => `${feed.name}.xml` === name)
    return found === undefined
      ? notFound
      : {
          status: 200,
          type: `application/${found.feed.format}+xml; charset=utf-8`,
          body: feedXml(found.feed, found.entries, url.origin)
        }
  }
  if (folder === "s") {
    const channel = world.model.channels.find(({ username }) => username === name)
    const before = Number(url.searchParams.get("before") ?? Number.NaN)
    return channel === undefined
      ? notFound
      : {
          status: 200,
          type: "text/html; charset=utf-8",
          body: channelPage(channel, world.model.channels, url.origin, Number.isInteger(before) ? before : undefined)
        }
  }
  if (folder === "pictures") {
    const bytes = await files.get(name)?.()
    return bytes === undefined
      ? notFound
      : { status: 200, type: name.endsWith(".mp4") ? "video/mp4" : "image/jpeg", body: bytes }
  }
  const story = folder === "stories" ? world.posts.find(({ post }) => post.key === name) : undefined
  return story === undefined
    ? notFound
    : { status: 200, type: "text/plain; charset=utf-8", body: `${story.post.title ?? ""}\n\n${story.text}` }
}

const respond = async (
  world: DemoWorld,
  files: ReadonlyMap<string, WorldBytes>,
  started: string,
  base: string,
  request: IncomingMessage,
  response: ServerResponse
) => {
  if (request.method !== "GET" && request.method !== "HEAD")
    return response.writeHead(405, { allow: "GET, HEAD" }).end()
  const answer = await answerPath(world, files, new URL(request.url ?? "/", base))
  const etag = `"${createHash("sha256").update(answer.body).digest("hex").slice(0, 24)}"`
  const unchanged = answer.status === 200 && request.headers["if-none-match"] === etag
  const headers = {
    etag,
    "last-modified": started,
    "content-type": answer.type,
    "content-length": Buffer.byteLength(answer.body)
  }
  if (unchanged) return response.writeHead(304, { etag }).end()
  return response.writeHead(answer.status, headers).end(request.method === "HEAD" ? undefined : answer.body)
}

/** Serves a world on 127.0.0.1 until the scope ends; port 0 takes any free port. */
export const makeDemoWeb = (world: DemoWorld, port = 0): Effect.Effect<DemoWebShape, never, Scope.Scope> =>
  Effect.gen(function* () {
    const files = filesOf(world)
    const started = new Date(Math.max(...world.posts.map(({ date }) => date)) * 1000).toUTCString()
    const server = createServer((request, response) => {
      respond(world, files, started, baseUrl(), request, response).catch(() => response.destroy())
    })
    const baseUrl = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => {
        server.once("error", (cause) => resume(Effect.die(cause)))
        server.listen(port, "127.0.0.1", () => resume(Effect.void))
      }),
      () =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
    const base = baseUrl()
    return { baseUrl: base, feedUrl: (name) => `${base}/feeds/${name}.xml` }
  })

/** The demo's web server as a service. */
export class DemoWeb extends Context.Service<DemoWeb, DemoWebShape>()("postroom/sandbox/web/DemoWeb") {
  /** A server for as long as the layer lives. */
  static readonly layer = (world: DemoWorld, port = 0): Layer.Layer<DemoWeb> =>
    Layer.effect(DemoWeb, makeDemoWeb(world, port))
}
