/** The judge of chaos is judged: what it must find, and what it must let pass. */
import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { judgeObedience, readWishes } from "./checkOperators.ts"

const judged = (files: Readonly<Record<string, ReadonlyArray<string>>>) => {
  const records = fs.mkdtempSync(path.join(os.tmpdir(), "postroom-judge-"))
  try {
    for (const [name, lines] of Object.entries(files)) {
      fs.writeFileSync(path.join(records, name), lines.map((line) => `${line}\n`).join(""))
    }
    const wishes = readWishes(records)
    return { ...judgeObedience(records, wishes), ...wishes.counts }
  } finally {
    fs.rmSync(records, { recursive: true })
  }
}

const pause = ["paused wanderer-1 10000", "resuming wanderer-1 20000"]
const frozen = JSON.stringify({ kind: "stop", pids: [1], from: 9_000, until: 14_000 })

describe("the judge of chaos", () => {
  it("finds a task of a paused user that starts", () => {
    const found = judged({ "operators.log": pause, "attempts.log": ["S wanderer-1 4 15000 1"] })
    assert.deepInclude(found, { pauseBroken: 1, pauses: 1 })
  })

  it("finds a task of a paused queue that starts", () => {
    const found = judged({
      "operators.log": ["paused queue:tally 10000", "resuming queue:tally 20000"],
      "attempts.log": ["S walker-1 4 15000 1"]
    })
    assert.strictEqual(found.pauseBroken, 1)
  })

  it("lets pass what starts before a pause can have spread, after it, for others, or in a worker that cannot hear", () => {
    const attempts = ["S wanderer-1 1 11000 1", "S wanderer-1 2 20001 1", "S wanderer-2 1 15000 1"]
    assert.strictEqual(judged({ "operators.log": pause, "attempts.log": attempts }).pauseBroken, 0)
    const deaf = { "operators.log": pause, "attempts.log": ["S wanderer-1 4 15000 1"], "faults.log": [frozen] }
    assert.strictEqual(judged(deaf).pauseBroken, 0)
  })

  it("finds a task that starts after it was said to be cancelled, and none that started before", () => {
    const found = judged({
      "operators.log": ["cancelling task-a 9000", "cancelled task-a wanderer-1:4 10000"],
      "attempts.log": ["S wanderer-1 4 9500 1", "S wanderer-1 4 12000 1", "S wanderer-1 5 12000 1"]
    })
    assert.deepInclude(found, { cancelBroken: 1, cancels: 1 })
  })
})
