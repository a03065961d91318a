/** A sandbox Telegram with one source and one target channel, and gateways towards it. */
import { Effect, Layer, Redacted, type Scope } from "effect"
import { generateServerKey } from "../../../src/sandbox/telegram/ServerKey.ts"
import {
  startTelegramServer,
  type TelegramServerHandle,
  type TelegramServerOptions
} from "../../../src/sandbox/telegram/TelegramServer.ts"
import type { WorldPost } from "../../../src/sandbox/telegram/WorldModel.ts"
import * as GramJsGateway from "../../../src/services/telegram/GramJsGateway.ts"
import { TelegramGateway } from "../../../src/services/telegram/TelegramGateway.ts"
import sharp from "sharp"

/** One key for all servers of a test file: making one costs up to 300 ms. */
export const serverKey = generateServerKey()

/** `count` posts with ids from 1. */
export const posts = (count: number): ReadonlyArray<WorldPost> =>
  Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    date: 1_700_000_000 + index,
    text: `post ${index + 1}`
  }))

/** A real JPEG of one colour. */
export const jpeg = (width = 64, height = 48, red = 200): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background: { r: red, g: 80, b: 40 } } })
    .jpeg()
    .toBuffer()

/** Starts a server with `source_channel` (3 posts unless told otherwise) and `target_channel`. */
export const sandbox = (
  options: Partial<TelegramServerOptions> & { readonly source?: ReadonlyArray<WorldPost> } = {}
): Effect.Effect<TelegramServerHandle, never, Scope.Scope> =>
  startTelegramServer({
    key: serverKey,
    world: {
      channels: [
        { id: "1001", username: "source_channel", title: "Source", kind: "source", posts: options.source ?? posts(3) },
        { id: "2002", username: "target_channel", title: "Target", kind: "target" }
      ]
    },
    ...options
  })

/** Options of a gateway to `server`, signed in by a minted session unless told otherwise. */
export const gatewayOptions = (
  server: TelegramServerHandle,
  options: Partial<GramJsGateway.GramJsGatewayOptions> = {}
): GramJsGateway.GramJsGatewayOptions => ({
  apiId: 1,
  apiHash: Redacted.make("hash"),
  server: { host: "127.0.0.1", port: server.port, dc: server.dc, publicKey: server.publicKey },
  ...("botToken" in options ? {} : { session: Redacted.make(server.mintSession()) }),
  ...options
})

/** A gateway for the rest of the scope. */
export const gateway = (
  server: TelegramServerHandle,
  options: Partial<GramJsGateway.GramJsGatewayOptions> = {}
): Effect.Effect<TelegramGateway["Service"], never, Scope.Scope> =>
  Effect.gen(function* () {
    const context = yield* Layer.build(GramJsGateway.layer(gatewayOptions(server, options)))
    return yield* Effect.provideContext(TelegramGateway, context)
  })

/** Texts now in the target channel, oldest first. */
export const published = (server: TelegramServerHandle): ReadonlyArray<string> =>
  server.world.byUsername("target_channel")?.posts.map((post) => post.text) ?? []
