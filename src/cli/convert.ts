/**
 * `postroom convert`: every picture of a folder through the converter, durable
 * like any other work. Stopped half-way and started again it goes on where it
 * was: the event's id is the picture's hash, so nothing is converted twice. What
 * failed before for a reason that may have passed is tried again.
 */
import { Clock, Duration, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import * as os from "node:os"
import * as path from "node:path"
import { makeConverter } from "../actors/converter/converter.ts"
import type { Settings } from "../config/settings.ts"
import { taskIdOf } from "../domain/ids.ts"
import { EventIntake } from "../journal/EventIntake.ts"
import { Journal } from "../journal/Journal.ts"
import { stateOf } from "../journal/sql/TaskRows.ts"
import * as Intake from "../runtime/EventIntake.ts"
import { startWorker } from "../runtime/Worker.ts"
import { uuids } from "../database/columns.ts"
import { Blobs } from "../services/blobs/Blobs.ts"
import { mediaUploaded } from "../topics/mediaUploaded.ts"
import { jsonLine, line, progressBar, styled } from "./output.ts"
import { layerFiles } from "./outside.ts"
import { contentOf, findPictures, makeOut, save } from "./pictureFiles.ts"
import { layerStorage } from "./storage.ts"

interface Work {
  readonly file: string
  readonly sha256: string
  readonly task: string
  /** An earlier run has dealt with it, or has begun to. */
  readonly isKnown: boolean
}

interface Derived {
  readonly preview: { readonly sha256: string }
  readonly thumbnail: { readonly sha256: string }
  readonly degraded?: string
}

const eventIdOf = (sha256: string): string => `convert:${sha256}`

/** Puts a file into the blob store and its event into the topic. */
const submit = Effect.fnUntraced(function* (file: string) {
  const blobs = yield* Blobs
  const intake = yield* EventIntake
  const { sha256 } = yield* blobs.put(contentOf(file))
  const id = eventIdOf(sha256)
  const task = taskIdOf("converter", id)
  const [acceptance] = yield* intake.submit([
    {
      id,
      type: mediaUploaded.type,
      // A mailbox of its own for each picture: they need no order among each other.
      user: sha256,
      queue: "converter",
      task,
      fingerprint: sha256,
      data: JSON.stringify({ sha256, name: path.basename(file) }),
      awaits: 1,
      topic: mediaUploaded.name,
      at: null
    }
  ])
  return { file, sha256, task, isKnown: acceptance === "repeated" } satisfies Work
})

/** What says of a picture for good that nothing can be made of it; whatever else it was may have passed, or come. */
const verdicts = /^(LimitExceeded|Corrupt): /

/** Asks for another try of a task that failed in an earlier run, if that can help; false where it cannot. */
const tryAgain = Effect.fnUntraced(function* (task: string, reason: string | null) {
  if (reason === null || verdicts.test(reason)) return false
  const journal = yield* Journal
  return yield* journal.requestRetry(task, "postroom convert")
})

const ended = Effect.fnUntraced(function* (tasks: ReadonlyArray<string>) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql.unsafe<{ id: string; state: number; result: string | null; reason: string | null }>(
    `SELECT id, state, result, reason FROM task WHERE id = ANY ($1::uuid[]) AND state > 1`,
    [uuids(tasks)]
  )
  return rows.map((row) => ({ ...row, succeeded: stateOf(row.state) === "succeeded" }))
})

const lookMs = 100
const ahead = 64

export interface ConvertOptions {
  readonly folder: string
  readonly out: string
  readonly json: boolean
}

/** Converts a folder; code 1 where a picture failed. */
export const convertFolder = Effect.fn("convert")(function* (settings: Settings, options: ConvertOptions) {
  const files = yield* findPictures(options.folder)
  yield* makeOut(options.out)
  const converter = makeConverter(null)
  const actor = { ...converter, policy: { ...converter.policy, concurrency: os.availableParallelism() + 2 } }
  const started = yield* Clock.currentTimeMillis
  const failed: Array<{ readonly file: string; readonly reason: string }> = []
  let done = 0
  let known = 0
  const fail = (file: string, reason: string) => {
    failed.push({ file, reason })
    if (options.json) jsonLine({ file, status: "failed", reason })
  }
  yield* Effect.gen(function* () {
    yield* startWorker({ actors: [actor], drainMs: settings.drainMs })
    const bar = progressBar(files.length)
    const waiting = new Map<string, Array<Work>>()
    const triedAgain = new Set<string>()
    let next = 0
    while (next < files.length || waiting.size > 0) {
      while (next < files.length && waiting.size < ahead) {
        const file = files[next++]!
        const work = yield* Effect.result(submit(file))
        if (work._tag === "Failure") fail(file, work.failure.message)
        else waiting.set(work.success.task, [...(waiting.get(work.success.task) ?? []), work.success])
      }
      for (const task of yield* ended([...waiting.keys()])) {
        const isOld = waiting.get(task.id)?.some(({ isKnown }) => isKnown) ?? false
        if (isOld && !task.succeeded && !triedAgain.has(task.id)) {
          triedAgain.add(task.id)
          if (yield* tryAgain(task.id, task.reason)) continue
        }
        for (const { file, isKnown } of waiting.get(task.id) ?? []) {
          if (isKnown) known++
          if (task.succeeded) {
            const derived = JSON.parse(task.result!) as Derived
            const name = path.relative(options.folder, file).replaceAll(path.sep, "__")
            yield* save(derived.preview.sha256, path.join(options.out, `${name}.preview.jpg`))
            yield* save(derived.thumbnail.sha256, path.join(options.out, `${name}.thumbnail.jpg`))
            done++
            if (options.json) jsonLine({ file, status: "succeeded", ...derived })
          } else {
            fail(file, task.reason ?? "unknown")
          }
        }
        waiting.delete(task.id)
      }
      bar.update(done + failed.length, failed.length === 0 ? "" : `${failed.length} failed`)
      if (waiting.size > 0) yield* Effect.sleep(Duration.millis(lookMs))
    }
    bar.end()
  }).pipe(
    Effect.scoped,
    Effect.provide(
      Layer.mergeAll(Intake.layer.pipe(Layer.provideMerge(layerStorage(settings))), layerFiles(settings.dataDir))
    )
  )
  const seconds = ((yield* Clock.currentTimeMillis) - started) / 1000
  if (options.json) jsonLine({ pictures: files.length, converted: done, failed: failed.length, known, seconds })
  else {
    const before = known === 0 ? "" : ` (${known} were known from before)`
    line(`${done} of ${files.length} pictures converted in ${seconds.toFixed(1)} s, into ${options.out}${before}`)
    for (const { file, reason } of failed) line(`${styled("red", "failed")}  ${file}: ${reason}`)
  }
  return failed.length === 0 ? 0 : 1
})
