/**
 * The PostgreSQL that Postroom brings along: one server per data directory, shared by every process
 * that names the directory, started by the first and stopped with the last. A process may be killed at
 * any moment: the server goes on for the others or ends within the grace; a server that was killed is
 * started again by whoever still uses it.
 */
import { Clock, Duration, Effect, Fiber, Redacted, Schedule, type Scope } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { findBinaries } from "./Binaries.ts"
import { databaseName, databaseUser, ensureCluster } from "./cluster.ts"
import { EmbeddedPostgresError, reasonOfCause } from "./EmbeddedPostgresError.ts"
import { ensureFifos, hold, letGo, serverLives } from "./holders.ts"
import { chooseIdentity, type IdentityKind } from "./Identity.ts"
import { askToStop, bringUp, type Place, serverEnded } from "./bringUp.ts"
import type { ServerSettings } from "./ServerSettings.ts"
import { socketDirectory } from "./socketAddress.ts"

/** How the server is run. Only `dataDir` is needed. */
export interface EmbeddedPostgresOptions {
  /** Where cluster, socket and log live; made when missing, with mode 0700. */
  readonly dataDir: string
  /** How long the server outlives a last user that was killed. Default 5 s. */
  readonly grace?: Duration.Input
  /** How long a start, crash recovery included, may take. Default 60 s. */
  readonly startTimeout?: Duration.Input
  /** How long a graceful stop is waited for; the server ends by itself in any case. Default 10 s. */
  readonly stopTimeout?: Duration.Input
  /** Leave the server running for `grace` after a graceful end too (tests that follow one another). */
  readonly linger?: boolean
  /** Lines of postgresql.conf that win over ours. They count for the process that starts the server. */
  readonly settings?: ServerSettings
  /** What root may try, in order. Default: a user namespace, then another uid. */
  readonly identities?: ReadonlyArray<IdentityKind>
}

/** A running server, and how to reach it. */
export interface EmbeddedPostgres {
  /** The directory of the socket: the `host` of a connection. */
  readonly socketDir: string
  /** The port in the socket's name. */
  readonly port: number
  readonly database: string
  readonly user: string
  /** For `PgClient.layer({ url })`, psql and any libpq program. No password: the socket's directory is the lock. */
  readonly url: Redacted.Redacted
  /** Whether the server ran already when this process came. */
  readonly joined: boolean
  /** Starts the server again if it is gone (true), or finds it well (false). */
  readonly ensureRunning: Effect.Effect<boolean, EmbeddedPostgresError>
  /** Completes when the server that runs at the time of the call has ended, for whatever reason. */
  readonly gone: Effect.Effect<void>
}

const connectionUrl = (socketDir: string): string =>
  `postgresql://${databaseUser}@localhost/${databaseName}?host=${encodeURIComponent(socketDir)}`

/**
 * Starts the server of `dataDir`, or joins the one that runs there, and keeps it running until the
 * scope closes: should it be killed, a fiber of the scope starts it again (connections to it break and
 * have to be opened anew). Closing the scope leaves the server to the other users; the last one stops
 * it and waits, at most `stopTimeout`.
 */
export const startEmbeddedPostgres = Effect.fn("EmbeddedPostgres.start")(function* (
  options: EmbeddedPostgresOptions
): Effect.fn.Return<EmbeddedPostgres, EmbeddedPostgresError, Scope.Scope> {
  const dataDir = path.resolve(options.dataDir)
  const onDisk = <A>(call: () => A) =>
    Effect.try({ try: call, catch: (cause) => new EmbeddedPostgresError({ reason: reasonOfCause(dataDir, cause) }) })

  yield* onDisk(() => {
    fs.mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    fs.accessSync(dataDir, fs.constants.W_OK)
  })
  const identity = yield* chooseIdentity(dataDir, options.identities)
  const binaries = yield* findBinaries(dataDir, identity)
  yield* ensureCluster(dataDir, binaries, identity, yield* Clock.currentTimeMillis)
  const run = path.join(dataDir, "run")
  const fifos = yield* onDisk(() => ensureFifos(run, identity))
  const socketDir = yield* onDisk(() => socketDirectory(dataDir, run))
  const place: Place = {
    dataDir,
    socketDir,
    fifos,
    identity,
    binaries,
    settings: options.settings ?? {},
    grace: Duration.fromInputUnsafe(options.grace ?? "5 seconds"),
    startTimeout: Duration.fromInputUnsafe(options.startTimeout ?? "60 seconds")
  }

  yield* Effect.acquireRelease(
    onDisk(() => hold(fifos)),
    (fd) =>
      Effect.gen(function* () {
        const last = letGo(fifos, fd)
        if (!last || options.linger === true || !serverLives(fifos)) return
        const ended = yield* Effect.forkChild(serverEnded(dataDir, fifos), { startImmediately: true })
        askToStop(dataDir)
        yield* Effect.timeoutOption(Fiber.join(ended), options.stopTimeout ?? "10 seconds")
      })
  )
  const started = yield* bringUp(place)
  const ensureRunning = bringUp(place)
  const gone = serverEnded(dataDir, fifos)
  yield* gone.pipe(
    Effect.andThen(Effect.logWarning("the embedded PostgreSQL ended; starting it again")),
    Effect.andThen(ensureRunning),
    Effect.tapError((error) => Effect.logError(error.message)),
    Effect.retry(Schedule.spaced("1 second")),
    Effect.forever,
    Effect.forkScoped
  )
  return {
    socketDir,
    port: 5432,
    database: databaseName,
    user: databaseUser,
    url: Redacted.make(connectionUrl(socketDir)),
    joined: !started,
    ensureRunning,
    gone
  }
})
