/** `postroom doctor`: what Postroom needs, whether it is there, and what to do where it is not. */
import { Cause, Clock, Effect, Exit } from "effect"
import { SqlClient } from "effect/sql"
import * as fs from "node:fs"
import * as path from "node:path"
import { Broker } from "../broker/Broker.ts"
import { readSettings } from "../config/settings.ts"
import type { Settings } from "../config/settings.ts"
import { findPrograms, programNames } from "../services/images/Programs.ts"
import { jsonLine, line, styled } from "./output.ts"
import { outsideOf } from "./credentials.ts"
import { layerStorage } from "./storage.ts"

interface Finding {
  readonly what: string
  readonly state: "ok" | "note" | "bad"
  readonly detail: string
}

const neededNode = 24
const leastBytes = 1024 ** 3
const mostDriftMs = 2_000

const nodeFinding = (): Finding => {
  const isNew = Number(process.versions.node.split(".")[0]) >= neededNode
  return {
    what: "Node",
    state: isNew ? "ok" : "bad",
    detail: isNew ? process.version : `${process.version}: ${neededNode} or newer is needed, run "npm ci"`
  }
}

const diskFinding = (dataDir: string): Finding => {
  let folder = path.resolve(dataDir)
  while (!fs.existsSync(folder)) folder = path.dirname(folder)
  const { bavail, bsize } = fs.statfsSync(folder)
  const free = bavail * bsize
  const gigabytes = (free / 1024 ** 3).toFixed(1)
  return {
    what: "Disk",
    state: free >= leastBytes ? "ok" : "bad",
    detail:
      free >= leastBytes
        ? `${gigabytes} GB free in ${folder}`
        : `only ${gigabytes} GB free in ${folder}: make room or set DATA_DIR`
  }
}

const storageFindings = (settings: Settings) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const broker = yield* Broker
    const [row] = yield* sql<{ version: string; fsync: string; now: Date }>`
      SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync, clock_timestamp() AS now`
    const drift = Math.abs((yield* Clock.currentTimeMillis) - row!.now.getTime())
    yield* broker.ensureTopics([])
    const [home] = yield* sql<{ home: string }>`SELECT home FROM log_home`
    const kind = settings.databaseUrl === null ? `embedded, in ${path.resolve(settings.dataDir)}` : "DATABASE_URL"
    const findings: ReadonlyArray<Finding> = [
      { what: "Database", state: "ok", detail: `PostgreSQL ${row!.version} (${kind})` },
      {
        what: "Durability",
        state: row!.fsync === "on" ? "ok" : "bad",
        detail:
          row!.fsync === "on" ? "fsync is on" : "fsync is off: a power failure may lose accepted events, switch it on"
      },
      {
        what: "Broker",
        state: "ok",
        detail:
          settings.kafkaBrokers === null ? "topics in PostgreSQL" : `topics in ${home!.home} (${settings.kafkaBrokers})`
      },
      {
        what: "Clock",
        state: drift <= mostDriftMs ? "ok" : "bad",
        detail:
          drift <= mostDriftMs
            ? `within ${drift} ms of the database's`
            : `${drift} ms off the database's: let NTP set both`
      }
    ]
    return findings
  }).pipe(
    Effect.provide(layerStorage(settings)),
    Effect.exit,
    Effect.map((exit): ReadonlyArray<Finding> => {
      if (Exit.isSuccess(exit)) return exit.value
      const error = Cause.squash(exit.cause)
      return [
        { what: "Database", state: "bad", detail: error instanceof Error ? error.message : String(error) } as const
      ]
    })
  )

/** What can be made a picture of beside the formats that are decoded here. */
const programFinding = Effect.map(findPrograms, (found): Finding => {
  const missing = programNames.filter((name) => !found.has(name))
  const there = [...found.keys()].join(", ")
  return {
    what: "Pictures",
    state: missing.length === 0 ? "ok" : "note",
    detail: `HEIC, camera raw, PDF and video by ${there === "" ? "no program of this machine" : there}${missing.length === 0 ? "" : `; not there: ${missing.join(", ")}`}`
  }
})

const credentialFindings = (settings: Settings): ReadonlyArray<Finding> => {
  const { missing } = outsideOf(settings, false)
  const about = (what: string, reason: string | null): Finding => ({
    what,
    state: reason === null ? "ok" : "note",
    detail: reason === null ? "credentials are set" : `${reason}; until then "npm start" uses the sandbox`
  })
  return [about("Telegram", missing.telegram), about("Models", missing.models)]
}

const marks = { ok: styled("green", "ok  "), note: styled("yellow", "note"), bad: styled("red", "bad ") } as const

/** Looks at everything; code 1 where something is bad. */
export const doctor = Effect.fn("doctor")(function* (options: { readonly json: boolean }) {
  const settings = yield* readSettings
  const findings = [
    nodeFinding(),
    diskFinding(settings.dataDir),
    ...(yield* storageFindings(settings)),
    ...credentialFindings(settings),
    yield* programFinding
  ]
  for (const finding of findings) {
    if (options.json) jsonLine(finding)
    else line(`${marks[finding.state]}  ${finding.what.padEnd(11)} ${finding.detail}`)
  }
  return findings.some((finding) => finding.state === "bad") ? 1 : 0
})
