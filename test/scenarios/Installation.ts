/**
 * A whole Postroom in the test's process, on a database of its own: storage, worker, API over a real
 * socket, and where asked for the sandbox world behind real sockets.
 */
import { Duration, Effect, Layer } from "effect"
import type { PgClient } from "@effect/sql-pg"
import type { Scope } from "effect"
import type { SqlClient } from "effect/sql"
import type { Broker } from "../../src/broker/Broker.ts"
import type { EventIntake } from "../../src/journal/EventIntake.ts"
import type { Journal } from "../../src/journal/Journal.ts"
import { mkdtempSync, rmSync } from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import * as Server from "../../src/api/Server.ts"
import { eventTypesOf, EventTypes } from "../../src/api/EventTypes.ts"
import * as Tokens from "../../src/api/Tokens.ts"
import { HttpServer } from "effect/http"
import { makeActors } from "../../src/actors/index.ts"
import { layerFiles, layerOutside } from "../../src/cli/outside.ts"
import { layerStorage } from "../../src/cli/storage.ts"
import { readSettings } from "../../src/config/settings.ts"
import type { Actor } from "../../src/runtime/Actor.ts"
import * as Intake from "../../src/runtime/EventIntake.ts"
import { startWorker } from "../../src/runtime/Worker.ts"
import { LargestContent } from "../../src/services/content/limits.ts"
import { ExportLimits } from "../../src/services/exports/limits.ts"
import type { ExportBounds } from "../../src/services/exports/limits.ts"
import { SafeFetch } from "../../src/services/web/SafeFetch.ts"
import { startSandbox } from "../../src/sandbox/Sandbox.ts"
import type { Sandbox } from "../../src/sandbox/Sandbox.ts"
import { freshDatabase } from "../support/postgres.ts"

/** An answer of the API. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: any
}

/** A folder that goes with the scope. */
export const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(path.join(os.tmpdir(), "postroom-test-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** A client of the API at `base`. */
export const clientOf = (base: string, token: string | null) => {
  const call = (method: string, place: string, init: { body?: unknown; headers?: Record<string, string> } = {}) =>
    Effect.promise(async (): Promise<Answer> => {
      const body = init.body === undefined || typeof init.body === "string" ? init.body : JSON.stringify(init.body)
      const response = await fetch(place.startsWith("/openapi") ? base + place : `${base}/api/v1${place}`, {
        method,
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...init.headers
        },
        ...(body === undefined ? {} : { body: body as string })
      })
      const text = await response.text()
      const isJson = response.headers.get("content-type")?.includes("json") === true
      return { status: response.status, headers: response.headers, body: isJson ? (JSON.parse(text) as unknown) : text }
    })
  return {
    token,
    call,
    get: (place: string) => call("GET", place),
    post: (place: string, body?: unknown, headers?: Record<string, string>) =>
      call("POST", place, { ...(body === undefined ? {} : { body }), ...(headers === undefined ? {} : { headers }) })
  }
}
export type Client = ReturnType<typeof clientOf>

/** Asks again until the answer is as wanted. */
export const untilAnswer = (ask: Effect.Effect<Answer>, isIt: (body: any) => boolean): Effect.Effect<any> =>
  Effect.flatMap(ask, (answer) =>
    isIt(answer.body)
      ? Effect.succeed(answer.body)
      : Effect.andThen(Effect.sleep(Duration.millis(25)), untilAnswer(ask, isIt))
  )

/** The event once its flow has ended. */
export const untilOver = (client: Client, event: string) =>
  untilAnswer(
    client.get(`/events/${encodeURIComponent(event)}`),
    ({ status }) => !["queued", "in_progress"].includes(status)
  )

const quick = { backoffMs: 50, capMs: 200 }

/** An actor that waits tens of milliseconds between attempts instead of seconds. */
export const impatient = <R>(actor: Actor<R>): Actor<R> => ({
  ...actor,
  policy: { ...actor.policy, retry: { ...actor.policy.retry, ...quick } }
})

/** Settings of an empty environment, with a folder of their own. */
const settingsIn = (dataDir: string) =>
  Effect.map(readSettings, (settings) => ({ ...settings, dataDir, databaseUrl: null, kafkaBrokers: null }))

type Stored = Broker | Journal | EventIntake | PgClient.PgClient | SqlClient.SqlClient

/** Storage and intake on a database; what cannot be opened is a defect of the test. */
const layerStored = (settings: Parameters<typeof layerStorage>[0]) =>
  Layer.orDie(Intake.layer.pipe(Layer.provideMerge(layerStorage(settings)))) as unknown as Layer.Layer<Stored>

/** An installation that runs `actors`, none of which needs the outside but for files. */
export const startInstallation = <R = never>(options: {
  readonly actors: ReadonlyArray<Actor<R>>
  /** Whether a worker runs from the start. */
  readonly works?: boolean
  /** Most bytes of a file. */
  readonly largest?: number
  /** Bounds of exports, where they are to be others. */
  readonly exports?: Partial<ExportBounds>
  /** Addresses on loopback that may be fetched. */
  readonly allowed?: ReadonlyArray<string>
}) =>
  Effect.gen(function* () {
    const dataDir = yield* temporaryFolder
    const { url } = yield* freshDatabase
    const storage = yield* Layer.build(
      Layer.mergeAll(
        layerStored({ databaseUrl: url, dataDir, kafkaBrokers: null }),
        Layer.orDie(layerFiles(dataDir)),
        SafeFetch.layer({ allowedOrigins: options.allowed ?? [] }),
        Layer.succeed(LargestContent, options.largest ?? 1 << 24),
        Layer.succeed(ExportLimits, { items: 1_000, bytes: 1 << 30, lifeMs: 3_600_000, ...options.exports })
      )
    )
    const served = yield* serve(options.actors, options.works ?? true).pipe(Effect.provide(storage))
    return { ...served, dataDir, context: storage }
  })

export interface SandboxOptions {
  /** Addresses on loopback that may be fetched, besides the sandbox's. */
  readonly allowed?: ReadonlyArray<string>
  /** The outside world; by default the demo's. */
  readonly sandbox?: Sandbox
  /** By default all of Postroom's own. */
  readonly actors?: ReadonlyArray<Actor<any>>
}

/** An installation with actors on a sandbox world; none waits longer than a fifth of a second between attempts. */
export const startSandboxInstallation = (options: SandboxOptions = {}) =>
  Effect.gen(function* () {
    const dataDir = yield* temporaryFolder
    const { url } = yield* freshDatabase
    const settings = yield* settingsIn(dataDir)
    const sandbox = options.sandbox ?? (yield* startSandbox())
    const outside = { missing: { telegram: null, models: null }, usesSandbox: { telegram: true, models: true } }
    const context = yield* Layer.build(
      Layer.mergeAll(
        layerStored({ ...settings, databaseUrl: url }),
        layerOutside(settings, outside, sandbox, options.allowed)
      )
    )
    const actors = (options.actors ?? makeActors(outside.missing)).map((actor) => impatient<any>(actor))
    const serving = serve(actors, true).pipe(Effect.provide(context))
    const served = yield* serving as Effect.Effect<Served, never, Scope.Scope>
    return { ...served, sandbox, dataDir, context }
  })

const serve = <R>(actors: ReadonlyArray<Actor<R>>, works: boolean) =>
  Effect.gen(function* () {
    const tokens = yield* Layer.build(Tokens.layer)
    const token = yield* Effect.provide(
      Tokens.Tokens.use((service) => service.make("test")),
      tokens
    )
    const server = yield* Layer.build(
      Server.layer("127.0.0.1", 0).pipe(
        Layer.provide(Layer.succeed(EventTypes, eventTypesOf(actors))),
        Layer.provide(Layer.succeedContext(tokens))
      )
    )
    const base = yield* Effect.provide(
      HttpServer.addressFormattedWith((address) => Effect.succeed(address)),
      server
    )
    yield* startWorker({ actors, runs: () => works })
    const context = yield* Effect.context<any>()
    /** Starts a worker where none runs. */
    const work = Effect.asVoid(startWorker({ actors })).pipe(Effect.provide(context)) as Effect.Effect<
      void,
      never,
      never
    >
    return { base, token, client: clientOf(base, token), work, stranger: clientOf(base, null) }
  })

export type Served = Effect.Success<ReturnType<typeof serve>>
