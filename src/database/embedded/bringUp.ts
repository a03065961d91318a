/**
 * Brings the server of a data directory up: finds it running, waits for one that is starting or
 * stopping, or starts it. Any number of processes may do this at once; the keeper's lock decides.
 */
import { Clock, Deferred, Duration, Effect } from "effect"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import type { Binaries } from "./Binaries.ts"
import { databaseName, databaseUser } from "./cluster.ts"
import { EmbeddedPostgresError, reasonOfCause, reasonOfLog, StartFailed, Timeout } from "./EmbeddedPostgresError.ts"
import { type Fifos, serverGone, serverLives } from "./holders.ts"
import { childEnvironment, type Identity } from "./Identity.ts"
import { keeperBusy, keeperScript } from "./keeperScript.ts"
import { probe, type ServerState } from "./probe.ts"
import { postgresqlConf, type ServerSettings } from "./ServerSettings.ts"
import { socketPath } from "./socketAddress.ts"

/** A data directory with all that is needed to run its server. */
export interface Place {
  readonly dataDir: string
  readonly socketDir: string
  readonly fifos: Fifos
  readonly identity: Identity
  readonly binaries: Binaries
  readonly settings: ServerSettings
  readonly grace: Duration.Duration
  readonly startTimeout: Duration.Duration
}

/** The server is asked this often whether it is ready. */
const step = Duration.millis(10)
/** The log is put aside (one older generation is kept) when a start finds it larger, in bytes. */
const largestLog = 4 * 1024 * 1024
/** Seconds a fast shutdown may take before the keeper makes it an immediate one. */
const shutdownPatience = 30
/** A server that holds the lock without a socket for longer has lost its keeper. */
const orphanAge = 10_000

const logFile = (place: Place) => path.join(place.dataDir, "server.log")

const writeSettings = (place: Place): void => {
  const file = path.join(place.dataDir, "cluster", "postgresql.conf")
  const text = postgresqlConf(place.settings)
  if (fs.existsSync(file) && fs.readFileSync(file, "utf8") === text) return
  const draft = `${file}.${process.pid}`
  fs.writeFileSync(draft, text, { mode: 0o600 })
  const { uid, gid } = place.identity.spawn
  if (uid !== undefined && gid !== undefined) fs.chownSync(draft, uid, gid)
  fs.renameSync(draft, file)
}

const rotateLog = (place: Place): void => {
  const log = logFile(place)
  const size = fs.statSync(log, { throwIfNoEntry: false })?.size ?? 0
  if (size > largestLog) fs.renameSync(log, `${log}.1`)
}

/** Starts a keeper with a server; the effect inside tells how the keeper ended and what was logged. */
const launch = (place: Place, ended: Deferred.Deferred<Ended>): void => {
  writeSettings(place)
  rotateLog(place)
  const log = fs.openSync(logFile(place), "a+", 0o600)
  const before = fs.fstatSync(log).size
  // Our own end of the FIFO is open for writing, so this does not wait, and the keeper sees no early end.
  const holders = fs.openSync(place.fifos.holders, fs.constants.O_RDONLY)
  const cluster = path.join(place.dataDir, "cluster")
  const server = [...place.identity.prefix, place.binaries.postgres, "-D", cluster]
  const seconds = [Math.max(1, Math.ceil(Duration.toSeconds(place.grace))), shutdownPatience].map(String)
  const child = spawn(
    "/bin/sh",
    ["-c", keeperScript, "postroom-keeper", place.fifos.server, cluster, ...seconds, ...server],
    { ...place.identity.spawn, detached: true, cwd: "/", env: childEnvironment, stdio: [holders, log, log] }
  )
  const finish = (code: number, text: string) => {
    Deferred.doneUnsafe(ended, Effect.succeed({ code, log: text }))
  }
  child.on("error", (cause) => finish(127, cause.message))
  child.on("exit", (code) => finish(code ?? 1, tailOf(place, before)))
  child.unref()
  fs.closeSync(holders)
  fs.closeSync(log)
}

const tailOf = (place: Place, from: number): string => {
  try {
    return fs.readFileSync(logFile(place)).subarray(from).subarray(-8_192).toString("utf8")
  } catch {
    return ""
  }
}

/** The lines of the pid file: pid, directory, start time, port, … and eighth `starting`, `ready` or `stopping`. */
const pidFile = (dataDir: string): ReadonlyArray<string> => {
  try {
    return fs.readFileSync(path.join(dataDir, "cluster", "postmaster.pid"), "utf8").split("\n")
  } catch {
    return []
  }
}

/**
 * Completes when the server that runs now has ended; at once when none runs. The kernel tells, unless
 * somebody starts the next one in the same moment: then its other pid and start time do, a little later.
 */
export const serverEnded = (dataDir: string, fifos: Fifos): Effect.Effect<void> =>
  Effect.suspend(() => {
    const identity = () => pidFile(dataDir).slice(0, 3).join("\n")
    const ours = identity()
    const isOther = (now: string) => ours !== "" && now !== "" && now !== ours
    const replaced = Effect.sync(() => isOther(identity())).pipe(
      Effect.delay("500 millis"),
      Effect.repeat({ until: (other) => other })
    )
    return Effect.raceFirst(serverGone(fifos), Effect.asVoid(replaced))
  })

/**
 * Asks the server of `dataDir` for a fast shutdown: transactions are rolled back, nothing committed is
 * lost. Only for a server that is known to live, so that the pid file is its own.
 */
export const askToStop = (dataDir: string): void => {
  const pid = Number(pidFile(dataDir)[0])
  if (!Number.isInteger(pid) || pid <= 1) return
  try {
    process.kill(pid, "SIGINT")
  } catch {
    // It ended meanwhile, which is what we want.
  }
}

/** Asks as little as possible: every connection to a server that recovers costs it a new process. */
const stateOf = (place: Place): Effect.Effect<ServerState> =>
  Effect.suspend(() => {
    if (!serverLives(place.fifos)) return Effect.succeed<ServerState>({ kind: "absent", detail: "no server runs" })
    const word = pidFile(place.dataDir)[7]?.trim() ?? ""
    return word === "ready"
      ? probe(socketPath(place.socketDir), databaseUser, databaseName)
      : Effect.succeed<ServerState>({ kind: "starting", detail: `the server is ${word || "starting"}` })
  })

/** How a keeper ended, and what its server wrote. */
interface Ended {
  readonly code: number
  readonly log: string
}

/** Why a server that was just started ended again; nothing if the keeper found another one in its place. */
const failureOf = (place: Place, { code, log }: Ended): EmbeddedPostgresError | undefined => {
  if (code === keeperBusy || /lock file "postmaster.pid" already exists/.test(log)) return undefined
  const otherwise = (logTail: string) =>
    new StartFailed({ dataDir: place.dataDir, logTail: logTail || `exit status ${code}` })
  return new EmbeddedPostgresError({ reason: reasonOfLog(place.dataDir, log, otherwise) })
}

/** True when this call started the server, false when it was found running; `Timeout` when neither came about. */
export const bringUp = Effect.fnUntraced(function* (place: Place): Effect.fn.Return<boolean, EmbeddedPostgresError> {
  const deadline = (yield* Clock.currentTimeMillis) + Duration.toMillis(place.startTimeout)
  let ours: Deferred.Deferred<Ended> | undefined
  let started = false
  let failures = 0
  let busySince: number | undefined
  for (;;) {
    const state = yield* stateOf(place)
    if (state.kind === "ready") return started
    const now = yield* Clock.currentTimeMillis
    if (now > deadline) {
      const seconds = Duration.toSeconds(place.startTimeout)
      const reason = new Timeout({ dataDir: place.dataDir, seconds, detail: state.detail })
      return yield* new EmbeddedPostgresError({ reason })
    }
    if (ours !== undefined && Deferred.isDoneUnsafe(ours)) {
      const failure = failureOf(place, yield* Deferred.await(ours))
      ours = undefined
      started = false
      if (failure === undefined) busySince ??= now
      else failures += 1
      // Once more, since it may have been killed together with what it replaced.
      if (failure !== undefined && (failures > 1 || failure.reason._tag !== "StartFailed")) return yield* failure
    }
    if (state.kind === "absent" && ours === undefined) {
      if (busySince !== undefined && now - busySince > orphanAge) {
        askToStop(place.dataDir)
        busySince = now
      }
      const ended = yield* Deferred.make<Ended>()
      yield* Effect.try({
        try: () => launch(place, ended),
        catch: (cause) => new EmbeddedPostgresError({ reason: reasonOfCause(place.dataDir, cause) })
      })
      ours = ended
      started = true
    }
    yield* Effect.sleep(step)
  }
})
