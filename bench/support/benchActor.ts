/** The actor that the scenarios load, and the records it reads. */
import { Effect, Schema } from "effect"
import type { OutgoingRecord } from "../../src/broker/Record.ts"
import { headersOf } from "../../src/domain/Envelope.ts"
import { done } from "../../src/domain/Outcome.ts"
import * as Actor from "../../src/runtime/Actor.ts"
import * as Topic from "../../src/topics/Topic.ts"

/** A task of a scenario: which one, whose, its number among those of its user, and how long it takes. */
export const Job = Schema.Struct({
  n: Schema.Finite,
  user: Schema.String,
  seq: Schema.Finite,
  ms: Schema.Finite
})
export type Job = typeof Job.Type

const topicOf = (name: string) =>
  Topic.make({
    name,
    type: "bench.job",
    description: "Tasks of a measurement. Key: user.",
    value: Job,
    partitions: Number(process.env["BENCH_PARTITIONS"] ?? Topic.defaultPartitions)
  })

export const jobs = topicOf("bench.jobs")
/** What a job is handed on to, where a scenario has a second stage. */
export const later = topicOf("bench.later")

const encoder = new TextEncoder()

/** The record of a job; it goes where its user belongs, or into the partition that is named. */
export const recordOf = (job: Job, partition?: number): OutgoingRecord => ({
  topic: jobs.name,
  partition,
  key: encoder.encode(job.user),
  value: encoder.encode(JSON.stringify(job)),
  headers: headersOf({ id: `job-${job.n}`, type: jobs.type, source: "/bench", time: Date.now() })
})

/** `count` jobs of `ms` each over `users`, in turn. */
export const jobsOf = (count: number, users: number, ms: number): ReadonlyArray<Job> =>
  Array.from({ length: count }, (_, n) => ({ n, user: `user-${n % users}`, seq: Math.floor(n / users), ms }))

/** What sees every job start and end. */
export interface JobLog {
  readonly started: (job: Job) => void
  readonly ended: (job: Job) => void
}

/** The actor: a job takes as long as it says. */
export const benchActor = (concurrency: number, log: JobLog) =>
  Actor.make({
    name: "bench",
    topic: jobs,
    concurrency,
    handler: (job) => {
      log.started(job)
      if (job.ms === 0) return Effect.sync(() => log.ended(job))
      return Effect.map(Effect.sleep(job.ms), () => log.ended(job))
    }
  })

/** Two stages: the first hands every job on, the second is seen by `log` too. */
export const relayActors = (log: JobLog, laterLog: JobLog) => [
  Actor.make({
    name: "bench",
    topic: jobs,
    handler: (job) => {
      log.started(job)
      return Effect.map(Topic.output(later, job.user, job), (output) => {
        log.ended(job)
        return done(undefined, [output])
      })
    }
  }),
  Actor.make({ name: "later", topic: later, handler: (job) => Effect.sync(() => laterLog.started(job)) })
]

/** Actors that have nothing to do, each with a topic of its own. */
export const idleActors = (count: number) =>
  Array.from({ length: count }, (_, n) =>
    Actor.make({ name: `idle-${n}`, topic: topicOf(`bench.idle-${n}`), handler: () => Effect.void })
  )
