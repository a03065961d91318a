/** The converter on the real runtime, with the real decoder in its child processes. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber } from "effect"
import { SqlClient } from "effect/sql"
import { makeBackfill, makeConverter } from "../../../src/actors/converter/converter.ts"
import { makeTree } from "../../../src/actors/tree/tree.ts"
import type { Actor } from "../../../src/runtime/Actor.ts"
import { ImageError, Timeout, WorkerCrashed } from "../../../src/services/images/ImageError.ts"
import { type ConvertRequest, Images } from "../../../src/services/images/Images.ts"
import { treeCommands } from "../../../src/topics/treeCommands.ts"
import { untilAnswer, untilOver } from "../../scenarios/Installation.ts"
import { pngOfZeros, syntheticPhoto } from "../../support/photos.ts"
import { startStage } from "./stage.ts"

const photo = (seed: number, width = 1_200) =>
  Effect.promise(() => syntheticPhoto({ width, height: Math.round(width * 0.75), seed }))

/** The converter with a decoder whose `convert` is replaced. */
const withDecoder = (convert: (request: ConvertRequest) => Effect.Effect<any, ImageError>): Actor<any> => {
  const converter = makeConverter(null)
  const unused = () => Effect.die("unused")
  const images = Images.of({ convert, normalise: unused, dHash: unused, encode: unused })
  return {
    ...converter,
    handler: (value, task) => Effect.provideService(converter.handler(value, task), Images, images)
  }
}

type Convert = Images["Service"]["convert"]

/** The converter whose decoder does what `convert` makes of the real one. */
const withOtherDecoder = (convert: (real: Convert) => Convert): Actor<any> => {
  const converter = makeConverter(null)
  return {
    ...converter,
    handler: (value, task) =>
      Effect.flatMap(Images, (real) =>
        Effect.provideService(
          converter.handler(value, task),
          Images,
          Images.of({ ...real, convert: convert(real.convert) })
        )
      )
  }
}

/** Its decoder dies over every picture while `deadly.is`; `deaths` has for each whether the picture was alone. */
const withDyingDecoder = (deaths: Array<boolean>, deadly = { is: true }): Actor<any> =>
  withOtherDecoder(
    (real) => (request) =>
      Effect.suspend(() => {
        if (!deadly.is) return real(request)
        deaths.push(request.alone ?? false)
        return Effect.fail(new ImageError({ reason: new WorkerCrashed({ detail: "SIGSEGV" }) }))
      })
  )

/** How often each picture was decoded to an end. */
const decodes = (context: Context.Context<any>) =>
  Effect.map(
    Context.get(context as Context.Context<SqlClient.SqlClient>, SqlClient.SqlClient)<{ decodes: number }>`
      SELECT decodes FROM conversion ORDER BY sha256`,
    (rows) => rows.map((row) => row.decodes)
  )

const item = { id: "0f0e0d0c-0b0a-4909-8807-060504030201", gen: 3 }

describe("the converter", () => {
  it.live("C1 converts the same bytes once, whoever uploads them and however they are called", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run, keep, context } = yield* startStage({ actors: [makeConverter(null)] })
        const { sha256 } = yield* keep(yield* photo(3))
        const first = yield* run("media.uploaded", { sha256, name: "one.jpg" }, "anna")
        const second = yield* run("media.uploaded", { sha256, name: "two.jpg" }, "ben")
        assert.deepStrictEqual([first.result.reused, second.result.reused], [false, true])
        assert.deepStrictEqual({ ...second.result, name: "", reused: 0 }, { ...first.result, name: "", reused: 0 })
        assert.strictEqual(second.result.name, "two.jpg")
        assert.deepStrictEqual(yield* decodes(context), [1])
      })
    )
  )

  it.live("converts the same bytes once, also when many upload them at the same moment", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run, keep, context } = yield* startStage({ actors: [makeConverter(null)] })
        const { sha256 } = yield* keep(yield* photo(6))
        const tasks = yield* Effect.forEach(
          ["anna", "ben", "cleo", "dan", "eva"],
          (user) => run("media.uploaded", { sha256, name: `${user}.jpg` }, user),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          tasks.map(({ status }) => status),
          Array.from({ length: 5 }, () => "succeeded")
        )
        assert.lengthOf(
          tasks.filter(({ result }) => !result.reused),
          1
        )
        assert.deepStrictEqual(yield* decodes(context), [1])
      })
    )
  )

  it.live("a damaged picture fails at once with the reason, and one that is not there too", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run, keep, context } = yield* startStage({ actors: [makeConverter(null)] })
        const { sha256 } = yield* keep((yield* photo(4)).subarray(0, 1_500))
        const damaged = yield* run("media.uploaded", { sha256, name: "cut.jpg" })
        assert.deepStrictEqual([damaged.status, damaged.attempt], ["failed", 1])
        assert.match(damaged.reason, /^Corrupt: /)
        const again = yield* run("media.uploaded", { sha256, name: "the same.jpg" }, "ben")
        assert.strictEqual(again.reason, damaged.reason)
        assert.deepStrictEqual(yield* decodes(context), [1], "what it came to is known without looking again")
        const absent = yield* run("media.uploaded", { sha256: "0".repeat(64), name: "none.jpg" })
        assert.match(absent.reason, /^NotFound: /)
      })
    )
  )

  it.live(
    "C7 a picture that killed the decoder is tried twice more with the machine to itself, then it is in quarantine, for every upload",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const deaths: Array<boolean> = []
          const { run, keep } = yield* startStage({ actors: [withDyingDecoder(deaths)] })
          const { sha256 } = yield* keep(yield* photo(5, 64))
          const first = yield* run("media.uploaded", { sha256, name: "deadly.jpg" }, "anna")
          assert.deepStrictEqual([first.status, first.attempt, deaths], ["failed", 1, [false, true, true]])
          assert.strictEqual(first.reason, "WorkerCrashed: in quarantine: the picture killed the decoder 3 times")
          const second = yield* run("media.uploaded", { sha256, name: "deadly.jpg" }, "ben")
          assert.deepStrictEqual([second.status, second.attempt, deaths.length], ["failed", 1, 3])
        })
      )
  )

  it.live("a retry that was asked for takes a picture out of quarantine, and only for as long as it behaves", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const deaths: Array<boolean> = []
        const deadly = { is: true }
        const { client, run, keep } = yield* startStage({ actors: [withDyingDecoder(deaths, deadly)] })
        const { sha256 } = yield* keep(yield* photo(7, 64))
        const task = yield* run("media.uploaded", { sha256, name: "deadly.jpg" }, "anna")
        const askAgain = Effect.gen(function* () {
          const before = deaths.length
          assert.strictEqual((yield* client.post(`/tasks/${task.id}/retry`)).status, 202)
          const ended = untilAnswer(
            client.get(`/tasks/${task.id}`),
            ({ status }) => status === "failed" || status === "succeeded"
          )
          return { status: (yield* ended).status, deaths: deaths.length - before }
        })
        assert.deepStrictEqual(yield* askAgain, { status: "failed", deaths: 3 })
        assert.strictEqual((yield* run("media.uploaded", { sha256, name: "deadly.jpg" }, "ben")).status, "failed")
        deadly.is = false
        assert.deepStrictEqual(yield* askAgain, { status: "succeeded", deaths: 0 })
        const later = yield* run("media.uploaded", { sha256, name: "deadly.jpg" }, "cleo")
        assert.deepStrictEqual([later.status, later.result.reused], ["succeeded", true])
      })
    )
  )
})

describe("C10 a conversion that is cancelled", () => {
  it.live("leaves no row, and the next upload of the same bytes need not wait for it", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const slow = { is: true }
        const begun = yield* Deferred.make<void>()
        const actor = withOtherDecoder(
          (real) => (request) =>
            Effect.suspend(() =>
              slow.is ? Effect.andThen(Deferred.succeed(begun, undefined), Effect.never) : real(request)
            )
        )
        const { client, run, keep, context } = yield* startStage({ actors: [actor] })
        const { sha256 } = yield* keep(yield* photo(13, 64))
        const task = yield* Effect.forkChild(run("media.uploaded", { sha256, name: "one.jpg" }, "anna"))
        yield* Deferred.await(begun)
        const running = yield* untilAnswer(client.get("/tasks?status=in_progress"), ({ tasks }) => tasks.length > 0)
        yield* client.post(`/tasks/${running.tasks[0].id}/cancel`)
        assert.strictEqual((yield* Fiber.join(task)).status, "cancelled")
        assert.deepStrictEqual(yield* decodes(context), [])
        slow.is = false
        const next = yield* run("media.uploaded", { sha256, name: "two.jpg" }, "ben")
        assert.deepStrictEqual([next.status, next.attempt], ["succeeded", 1])
      })
    )
  )
})

describe("the picture of an item", () => {
  it.live("is told to the tree of its owner: what was made of it, or in one word and many why nothing was", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run, keep, caught } = yield* startStage({ actors: [makeConverter(null)], writes: treeCommands })
        const { sha256 } = yield* keep(yield* photo(8))
        const { result } = yield* run("media.uploaded", { sha256, name: "one.jpg", item }, "anna")
        const attached = caught[0]
        assert.deepInclude(attached, { by: "anna", admin: false })
        assert.deepInclude(attached.command, { kind: "attach", item: item.id, gen: 3, sha256 })
        const { sha256: preview, bytes: size } = result.preview
        assert.deepInclude(attached.command.attachment, {
          kind: "converted",
          width: 1_200,
          height: 900,
          degraded: null
        })
        assert.deepInclude(attached.command.attachment.preview, { sha256: preview, size, format: "jpeg" })
        assert.strictEqual(attached.command.attachment.thumbhash, result.thumbhash)

        const bomb = yield* keep(pngOfZeros(16_000))
        const refused = yield* run("media.uploaded", { sha256: bomb.sha256, name: "bomb.png", item }, "ben")
        assert.strictEqual(refused.status, "failed")
        // It stands in the topic before the task has failed, and is read after.
        while (caught.length < 2) yield* Effect.sleep("5 millis")
        assert.deepInclude(caught[1], { by: "ben" })
        const { attachment } = caught[1].command
        assert.deepInclude(attachment, { kind: "failed", reason: "LimitExceeded" })
        assert.match(attachment.message, /16000×16000, allowed are 100000000 pixels/)
      })
    )
  )

  it.live("that could not be converted for a reason that may pass is tried four times before the tree is told", () =>
    Effect.scoped(
      Effect.gen(function* () {
        let tries = 0
        const late = Effect.suspend(() => {
          tries++
          return Effect.fail(new ImageError({ reason: new Timeout({ detail: "not done after 45 s" }) }))
        })
        const { run, keep, caught } = yield* startStage({ actors: [withDecoder(() => late)], writes: treeCommands })
        const { sha256 } = yield* keep(yield* photo(9, 64))
        const task = yield* run("media.uploaded", { sha256, name: "slow.jpg", item }, "anna")
        assert.deepStrictEqual([task.status, task.attempt, tries], ["failed", 4, 4])
        while (caught.length < 1) yield* Effect.sleep("5 millis")
        assert.deepStrictEqual(caught[0].command.attachment, {
          kind: "failed",
          reason: "Timeout",
          message: "not done after 45 s"
        })
      })
    )
  )

  it.live("of a backfill is told to its owner's tree, whatever the record's key", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { run, keep, caught } = yield* startStage({ actors: [makeBackfill(null)], writes: treeCommands })
        const { sha256 } = yield* keep(yield* photo(10, 200))
        const task = yield* run("media.backfill", { owner: "anna", picture: { sha256, name: "old.jpg", item } }, sha256)
        assert.strictEqual(task.status, "succeeded")
        assert.deepInclude(caught[0], { by: "anna" })
      })
    )
  )
})

describe("an uploaded photograph", () => {
  it.live("has its pictures at its item; a damaged one says so there, and is not left waiting for ever", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client, run, keep } = yield* startStage({ actors: [makeConverter(null), makeTree(null)] })
        const whole = yield* photo(14)
        const upload = (bytes: Uint8Array) =>
          Effect.gen(function* () {
            const content = { kind: "stored", ...(yield* keep(bytes)), type: "image/jpeg" }
            const command = { kind: "upload", parent: null, name: "a.jpg", tags: [], viewers: null, content }
            const { id } = yield* run("tree.command", { by: "anna", admin: false, command })
            const { item: found } = yield* untilAnswer(
              client.get(`/items/${id}?user=anna`),
              ({ item: view }) => view.content.reason !== "GaveUp" && view.content.status !== "processing"
            )
            return { id, content: found.content }
          })
        const sound = yield* upload(whole)
        assert.deepInclude(sound.content, { status: "available", width: 1_200, height: 900, degraded: null })
        const preview = yield* client.get(`/items/${sound.id}/preview?user=anna`)
        assert.deepStrictEqual([preview.status, preview.headers.get("content-type")], [200, "image/jpeg"])
        const cut = yield* upload(whole.subarray(0, 1_500))
        assert.deepInclude(cut.content, { status: "failed", reason: "Corrupt" })
        assert.strictEqual((yield* client.get(`/items/${cut.id}/preview?user=anna`)).status, 404)
      })
    )
  )
})

describe("C8 a backfill of one user", () => {
  it.live("does not hold up the upload of another, nor of the same: it is converted before what waits there", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client, run, keep } = yield* startStage({ actors: [makeConverter(null), makeBackfill(null)] })
        const old = yield* photo(11, 1_600)
        const count = 120
        const names = yield* Effect.forEach(Array.from({ length: count }).keys(), (n) =>
          Effect.map(keep(Buffer.concat([old, Buffer.from(`-${n}`)])), ({ sha256 }) => sha256)
        )
        const events = names.map((sha256, n) => ({
          id: `old ${n}`,
          type: "media.backfill",
          user: sha256,
          data: { owner: "anna", picture: { sha256, name: `${n}.jpg` } }
        }))
        yield* Effect.forEach(events, (event) => client.post("/events", event), { concurrency: 8, discard: true })
        const { sha256 } = yield* keep(yield* photo(12, 1_600))
        for (const user of ["ben", "anna"]) {
          assert.strictEqual((yield* run("media.uploaded", { sha256, name: "new.jpg" }, user)).status, "succeeded")
        }
        const { body } = yield* client.get("/queues")
        const { unread, queued, running } = body.find((queue: { name: string }) => queue.name === "backfill")
        const waiting = unread + queued + running
        assert.isAbove(waiting, 0, "the backfill was still under way when both uploads were done")
        yield* untilOver(client, `old ${count - 1}`)
      })
    )
  )
})
