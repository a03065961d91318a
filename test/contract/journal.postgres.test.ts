import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { randomBytes } from "node:crypto"
import { Journal } from "../../src/journal/Journal.ts"
import type { Batch } from "../../src/journal/Journal.ts"
import { layer } from "../../src/journal/sql/SqlJournal.ts"
import { batchOf, taskRow } from "../support/journalRows.ts"
import { migrated } from "../support/migrated.ts"
import { journalContract } from "./journalContract.ts"
import { journalSteeringContract } from "./journalSteeringContract.ts"

const journal = Layer.provide(layer, migrated)

journalContract("the journal in Postgres", journal)
journalSteeringContract("steering the journal in Postgres", journal)

describe("what Postgres can never hold is refused, so that nobody writes it again and again:", () => {
  const task = taskRow({ queue: "work", offset: 0 })
  const long = randomBytes(6_000).toString("base64")
  const cases: ReadonlyArray<readonly [what: string, parts: Partial<Batch>]> = [
    ["a number that is too large", { tasks: [{ ...task, attempt: 40_000 }] }],
    ["a text with NUL", { tasks: [{ ...task, reason: "a\0b" }] }],
    ["a name that no index holds", { steps: [{ task: task.id, name: long, result: "1", at: 0 }] }]
  ]
  it.live.each(cases)("%s", ([, parts]) =>
    Effect.gen(function* () {
      const { register, lease, commit } = yield* Journal
      yield* register([{ name: "work", topic: "work", priority: "medium", off: null }])
      const { epoch } = yield* lease({ queue: "work", partition: 0, owner: "a" })
      const positions = [{ queue: "work", partition: 0, epoch, nextOffset: 0 }]
      const error = yield* Effect.flip(commit(batchOf({ positions, ...parts }), Effect.void))
      assert.isFalse(error.isRetryable)
      assert.strictEqual((yield* commit(batchOf({ positions, tasks: [task] }), Effect.void)).length, 0)
    }).pipe(Effect.provide(journal))
  )
})
