/** Workers on one database, each with connections and a session of its own, as separate processes have them. */
import { PgClient } from "@effect/sql-pg"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import type { Redacted } from "effect"
import { Broker } from "../../src/broker/Broker.ts"
import { layer as postgresBroker } from "../../src/broker/postgres/PostgresBroker.ts"
import { Journal } from "../../src/journal/Journal.ts"
import { layer as sqlJournal } from "../../src/journal/sql/SqlJournal.ts"
import type { Actor } from "../../src/runtime/Actor.ts"
import { startWorker } from "../../src/runtime/Worker.ts"
import type { WorkerOptions } from "../../src/runtime/Worker.ts"
import { clientOf } from "./migrated.ts"

/** A process: broker, journal and client on the database, and a worker where there are actors. */
export const postgresWorker = Effect.fnUntraced(function* (
  url: Redacted.Redacted,
  actors: ReadonlyArray<Actor>,
  options: Partial<WorkerOptions<never>> = {},
  /** Where its topics are. */
  topics: ReturnType<typeof postgresBroker> = postgresBroker()
) {
  const scope = yield* Effect.acquireRelease(Scope.make(), (made) => Scope.close(made, Exit.void))
  const services = yield* Layer.build(
    Layer.fresh(Layer.provideMerge(Layer.merge(topics, sqlJournal), Layer.fresh(clientOf(url))))
  ).pipe(Scope.provide(scope))
  const worker =
    actors.length === 0
      ? undefined
      : yield* startWorker({ actors, ...options }).pipe(Scope.provide(scope), Effect.provideContext(services))
  return {
    worker,
    services,
    broker: Context.get(services, Broker),
    journal: Context.get(services, Journal),
    sql: Context.get(services, PgClient.PgClient),
    stop: Scope.close(scope, Exit.void)
  }
})
