/**
 * A producer as a process of its own: `node producer.ts <dataDir> <count> <fromMs> <toMs>`.
 * Appends jobs one by one with a random pause between them, and answers, for
 * each, when it called and when it had the acknowledgement.
 */
import { Effect } from "effect"
import * as fs from "node:fs"
import { setTimeout as pause } from "node:timers/promises"
import { Broker } from "../../src/broker/Broker.ts"
import { recordOf } from "../support/benchActor.ts"
import { monotonicMs } from "../support/clock.ts"
import { storageOf } from "../support/Installation.ts"
import { endWithParent } from "../support/endWithParent.ts"

/** When one append was called and acknowledged, monotonic ms. */
export interface Appended {
  readonly n: number
  readonly calledAt: number
  readonly ackedAt: number
}

endWithParent()
const [, , dataDir = "", count = "300", fromMs = "20", toMs = "60"] = process.argv
const say = (answer: unknown): void => void fs.writeSync(1, `${JSON.stringify(answer)}\n`)

/** Tasks before the measured ones: at first in a row, so that both processes run compiled code, then at the pace measured. */
const warmUps = 2_000
const pacedWarmUps = 20

const program = Effect.gen(function* () {
  const broker = yield* Broker
  const appended: Array<Appended> = []
  // The broker notices within a look that another process reads, and wakes it from then on.
  yield* Effect.sleep("600 millis")
  for (let n = -warmUps; n < Number(count); n++) {
    const record = recordOf({ n, user: `user-${n}`, seq: 0, ms: 0 })
    const calledAt = monotonicMs()
    yield* broker.append([record])
    if (n >= 0) appended.push({ n, calledAt, ackedAt: monotonicMs() })
    if (n < -pacedWarmUps) continue
    yield* Effect.promise(() => pause(Number(fromMs) + Math.random() * (Number(toMs) - Number(fromMs))))
  }
  say(appended)
})
await Effect.runPromise(program.pipe(Effect.provide(storageOf(dataDir))))
process.exit(0)
