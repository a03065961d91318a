/**
 * Runs every example as its reader would: its actors on a fresh database, its
 * events put in, and its results held against what the example says. Prints
 * one line per example and ends with 1 where one does not hold.
 */
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { readdirSync } from "node:fs"
import * as path from "node:path"
import { eventTypesOf } from "../src/api/EventTypes.ts"
import { check } from "../src/api/submission.ts"
import { loadActors } from "../src/cli/actors.ts"
import { brokerMigrations } from "../src/broker/rows/migrations.ts"
import * as PostgresBroker from "../src/broker/postgres/PostgresBroker.ts"
import { migrate } from "../src/database/Migration.ts"
import { EventIntake } from "../src/journal/EventIntake.ts"
import { flowProgress } from "../src/journal/sql/Flows.ts"
import { journalMigrations } from "../src/journal/sql/migrations.ts"
import * as SqlJournal from "../src/journal/sql/SqlJournal.ts"
import { stateOf } from "../src/journal/sql/TaskRows.ts"
import * as Intake from "../src/runtime/EventIntake.ts"
import type { Actor } from "../src/runtime/Actor.ts"
import { startWorker } from "../src/runtime/Worker.ts"
import { testDatabase } from "./support/postgres.ts"

const Check = Schema.Struct({
  events: Schema.Array(Schema.Struct({ type: Schema.String, user: Schema.String, data: Schema.Unknown })),
  results: Schema.Array(Schema.Record(Schema.String, Schema.Unknown))
})

const storage = () =>
  Intake.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(PostgresBroker.layer(), SqlJournal.layer)),
    Layer.provideMerge(Layer.effectDiscard(migrate([...brokerMigrations, ...journalMigrations]))),
    Layer.provideMerge(Layer.fresh(testDatabase))
  )

/** What an example led to, as its `check` spells it: only the members it names. */
const differences = (file: string) =>
  Effect.gen(function* () {
    // Examples use no services.
    const actors = (yield* loadActors(file)) as unknown as ReadonlyArray<Actor<never>>
    const module = (yield* Effect.promise(() => import(path.resolve(file)))) as { readonly check: unknown }
    const wanted = yield* Schema.decodeUnknownEffect(Check)(module.check)
    yield* startWorker({ actors })
    const intake = yield* EventIntake
    const types = eventTypesOf(actors)
    const events = yield* Effect.forEach(wanted.events, (event) =>
      Effect.fromResult(check(types, event, undefined, []))
    )
    yield* intake.submit(events)
    while (!(yield* flowProgress(events.map((event) => event.id))).every((flow) => flow.isOver)) yield* Effect.sleep(20)
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql<{
      user: string
      state: number
      attempt: number
      reason: string | null
      result: string | null
    }>`
      SELECT user_key AS user, state, attempt, reason, result FROM task ORDER BY user_key, "offset"`
    const found = rows.map((row) => ({
      ...row,
      status: stateOf(row.state),
      result: row.result === null ? null : (JSON.parse(row.result) as unknown)
    }))
    return wanted.results.flatMap((result, i) =>
      Object.entries(result).flatMap(([name, value]) => {
        const actual = (found[i] as Record<string, unknown> | undefined)?.[name]
        return JSON.stringify(actual) === JSON.stringify(value)
          ? []
          : [`result ${i + 1}, ${name}: ${JSON.stringify(value)} was expected, ${JSON.stringify(actual)} came`]
      })
    )
  }).pipe(Effect.scoped, Effect.provide(storage()))

const folder = path.join(import.meta.dirname, "..", "examples")
let failed = 0
for (const name of readdirSync(folder)
  .filter((file) => file.endsWith(".ts"))
  .sort()) {
  const wrong = await Effect.runPromise(differences(path.join(folder, name)))
  process.stdout.write(
    `${wrong.length === 0 ? "ok  " : "FAIL"}  examples/${name}\n${wrong.map((line) => `      ${line}\n`).join("")}`
  )
  if (wrong.length > 0) failed++
}
process.exit(failed === 0 ? 0 : 1)
