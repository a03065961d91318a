/**
 * A process that uses the embedded PostgreSQL, for tests that need several of them or kill one. Its
 * argument is the options as JSON; each line on its input is SQL to run on its one connection, `close`
 * ends it in good order. It answers with one JSON line each, the first when the server is reached.
 */
import { Effect, Logger } from "effect"
import { createInterface } from "node:readline"
import { type EmbeddedPostgresOptions, startEmbeddedPostgres } from "../../src/database/embedded/EmbeddedPostgres.ts"
import { EmbeddedPostgresError } from "../../src/database/embedded/EmbeddedPostgresError.ts"
import { connect } from "../support/postgres.ts"

const say = (answer: unknown) => process.stdout.write(`${JSON.stringify(answer)}\n`)

const options: EmbeddedPostgresOptions = JSON.parse(process.argv[2] ?? "{}")

const use = Effect.scoped(
  Effect.gen(function* () {
    const begun = performance.now()
    const server = yield* startEmbeddedPostgres(options)
    say({ joined: server.joined, millis: performance.now() - begun })
    const sql = yield* connect(server.url)
    const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
    for (;;) {
      const { value, done } = yield* Effect.promise(() => lines.next())
      if (done === true || value === "close") return
      yield* sql.unsafe(value).pipe(
        Effect.match({
          onSuccess: (rows) => say({ rows }),
          onFailure: (error) => say({ error: String(error.reason.cause) })
        })
      )
    }
  })
)

// Standard output is for answers only.
Effect.runPromise(use.pipe(Effect.provide(Logger.layer([])))).then(
  () => {
    say({ closed: true })
    process.exit(0)
  },
  (error: unknown) => {
    const known = error instanceof EmbeddedPostgresError
    say({ failed: known ? error.reason._tag : "defect", message: known ? error.message : String(error) })
    process.exit(1)
  }
)
