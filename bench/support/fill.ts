/** Queues the jobs of a scenario before its worker starts. */
import { Effect } from "effect"
import { Broker } from "../../src/broker/Broker.ts"
import { declare } from "../../src/runtime/Worker.ts"
import { benchActor, recordOf } from "./benchActor.ts"
import type { Job } from "./benchActor.ts"

const silent = { started: () => {}, ended: () => {} }

const chunk = 1_000

/** Makes topic and queue known. */
export const declareBench = declare([benchActor(1, silent)])

/** Appends jobs in chunks, as a bulk import would; all into one partition where it is named. */
export const append = (jobs: ReadonlyArray<Job>, partition?: number) =>
  Effect.gen(function* () {
    const broker = yield* Broker
    for (let at = 0; at < jobs.length; at += chunk) {
      yield* broker.append(jobs.slice(at, at + chunk).map((job) => recordOf(job, partition)))
    }
  })

/** Makes topic and queue known and appends the jobs. */
export const fill = (jobs: ReadonlyArray<Job>, partition?: number) =>
  Effect.andThen(declareBench, append(jobs, partition))
