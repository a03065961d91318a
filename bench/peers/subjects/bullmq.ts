/** BullMQ on Redis as its documentation begins: one queue, one worker. STALLED_MS: lock and look for the stalled, ms. */
import { createRequire } from "node:module"
import * as path from "node:path"
import type { Job } from "../../support/benchActor.ts"
import { bodyOf, concurrency, produce, say } from "./load.ts"

const { Queue, Worker } = createRequire(path.join(process.env["PEERS_HOME"]!, "npm/package.json"))("bullmq")
const connection = { url: process.env["REDIS_URL"], maxRetriesPerRequest: null }
const stalled = process.env["STALLED_MS"]
const tuned = stalled === undefined ? {} : { stalledInterval: Number(stalled), lockDuration: Number(stalled) }

switch (process.argv[2]) {
  case "store": {
    say("READY")
    process.stdin.on("end", () => process.exit(0)).resume()
    break
  }
  case "work": {
    const body = bodyOf()
    const worker = new Worker("crash", (job: { readonly data: Job }) => body(job.data), {
      connection,
      concurrency,
      ...tuned
    })
    await worker.waitUntilReady()
    say("READY")
    break
  }
  case "produce": {
    const queue = new Queue("crash", { connection })
    await queue.waitUntilReady()
    await produce((job) => queue.add("job", job))
    process.exit(0)
  }
}
