/**
 * A fresh installation for one measurement: an embedded PostgreSQL with its
 * usual settings (fsync on) in a temporary directory, topics and journal, and
 * the actor that all scenarios load.
 */
import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import type { Layer, Scope } from "effect"
import type { SqlClient } from "effect/sql"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import type { Broker } from "../../src/broker/Broker.ts"
import { layerStorage } from "../../src/cli/storage.ts"
import type { Locks } from "../../src/database/Locks.ts"
import type { Journal } from "../../src/journal/Journal.ts"
import type { Producer } from "../../src/runtime/Producer.ts"

/** A temporary directory, removed with the scope. */
export const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "postroom-bench-")))),
  (directory) => Effect.sync(() => fs.rmSync(directory, { recursive: true, force: true }))
)

/** Brokers of the Kafka that is measured; where there is none, the topics are in Postgres. */
const kafkaBrokers = process.env["BENCH_KAFKA"] ?? null

export const brokerKind = kafkaBrokers === null ? "postgres" : "kafka"

/** Database, broker and journal of `dataDir`; in Kafka every installation has topics of its own. */
export const storageOf = (dataDir: string) =>
  layerStorage({
    dataDir,
    databaseUrl: null,
    kafkaBrokers,
    kafkaPrefix: `bench-${createHash("sha1").update(dataDir).digest("hex").slice(0, 12)}.`
  }) as Layer.Layer<Storage, unknown>

/** What an installation offers. */
export type Storage = Broker | Journal | Locks | Producer | PgClient.PgClient | SqlClient.SqlClient

/** Runs `measure` on a fresh installation and takes it away again. */
export const onFreshInstallation = <A, E>(
  measure: (dataDir: string) => Effect.Effect<A, E, Storage | Scope.Scope>
): Effect.Effect<A, unknown> =>
  Effect.scoped(
    Effect.flatMap(temporaryDirectory, (dataDir) =>
      Effect.provide(Effect.scoped(measure(dataDir)), storageOf(dataDir), { local: true })
    )
  )
