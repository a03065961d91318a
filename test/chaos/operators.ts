/**
 * People at the controls, by the API: they pause and resume users and queues,
 * cancel tasks and flows, and retry what failed. What they ask for and what
 * they are told is written down for the checker before anything else happens.
 */
import { Effect } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { gateOf } from "./actors.ts"
import { oneOf } from "./chance.ts"
import type { ChaosPlace } from "./DrillPlace.ts"
import { monotonicMs } from "../../bench/support/clock.ts"

interface Task {
  readonly id: string
  readonly user: string
  readonly flow: string | null
  readonly status: string
  readonly reason: string | null
}

const answerWithin = 10_000
const againAfter = 150

export const startOperators = (place: ChaosPlace, random: () => number) => {
  const fd = fs.openSync(path.join(place.records, "operators.log"), "a")
  const write = (...words: ReadonlyArray<string>) =>
    Effect.sync(() => fs.writeSync(fd, `${words.join(" ")} ${monotonicMs().toFixed(3)}\n`))
  const base = `http://127.0.0.1:${place.api.port}/api/v1`

  /** Null where no answer came, which leaves open what became of the wish. */
  const ask = (method: "GET" | "POST", way: string) =>
    Effect.promise(() =>
      fetch(`${base}${way}`, {
        method,
        headers: { authorization: `Bearer ${place.api.token}` },
        signal: AbortSignal.timeout(answerWithin)
      })
        .then(
          async (answer) => ({ status: answer.status, body: (await answer.json()) as any }),
          () => null
        )
        .catch(() => null)
    )

  const insist = (way: string) =>
    ask("POST", way).pipe(
      Effect.flatMap((answer) => (answer?.status === 200 ? Effect.void : Effect.fail("not yet"))),
      Effect.tapError(() => Effect.sleep(againAfter)),
      Effect.retry({ times: 10_000 }),
      Effect.orDie
    )

  const tasks = (filter: string) =>
    Effect.map(ask("GET", `/tasks?limit=20&${filter}`), (answer) =>
      answer?.status === 200 ? (answer.body.tasks as ReadonlyArray<Task>) : []
    )

  const userWay = (what: string, verb: string) =>
    what.startsWith("queue:") ? `/queues/${what.slice(6)}/${verb}` : `/users/${what}/${verb}`

  const cancelTask = (task: Task) =>
    Effect.gen(function* () {
      yield* write("cancelling", task.id)
      const answer = yield* ask("POST", `/tasks/${task.id}/cancel`)
      // Its step follows from the flow, which is the event's id.
      if (answer?.status === 202 && answer.body.status === "cancelled")
        yield* write("cancelled", task.id, task.flow ?? "-")
    })

  const cancelFlow = (flow: string) => Effect.andThen(write("cancelling", flow), ask("POST", `/events/${flow}/cancel`))

  const paused = new Set<string>()

  /** Pauses, does something meanwhile, and resumes whatever becomes of it. One hand at a time: who comes second leaves. */
  const whilePaused = (what: string, meanwhile: Effect.Effect<unknown>) =>
    Effect.suspend(() => {
      if (paused.has(what)) return Effect.void
      paused.add(what)
      const resume = Effect.gen(function* () {
        yield* write("resuming", what)
        yield* insist(userWay(what, "resume"))
        paused.delete(what)
      })
      return Effect.gen(function* () {
        yield* insist(userWay(what, "pause"))
        yield* write("paused", what)
        yield* meanwhile
      }).pipe(Effect.ensuring(resume))
    })

  const wanderer = () => `wanderer-${Math.floor(random() * place.wanderers)}`

  const cancelSome = (user: string) =>
    Effect.gen(function* () {
      yield* Effect.sleep(1_000 + random() * 2_000)
      const waiting = yield* tasks(`queue=tally&user=${user}&status=queued,in_progress`)
      if (waiting.length === 0) return
      const one = oneOf(random, waiting)
      yield* one.flow !== null && random() < 0.3 ? cancelFlow(one.flow) : cancelTask(one)
    })

  const pausing = Effect.gen(function* () {
    const user = random() < 0.7 ? wanderer() : `walker-${Math.floor(random() * place.walkers)}`
    yield* whilePaused(user, user.startsWith("wanderer-") ? cancelSome(user) : Effect.sleep(4_000 + random() * 4_000))
    yield* Effect.sleep(random() * 500)
  })

  const pausingQueues = Effect.gen(function* () {
    yield* Effect.sleep(10_000 + random() * 20_000)
    yield* whilePaused(`queue:${oneOf(random, ["tally", "mirror", "publisher"])}`, Effect.sleep(4_500))
  })

  const cancelling = Effect.gen(function* () {
    yield* Effect.sleep(200 + random() * 800)
    const running = yield* tasks("queue=tally&status=in_progress")
    const wanderers = running.filter(({ user }) => user.startsWith("wanderer-"))
    if (wanderers.length > 0) yield* cancelTask(oneOf(random, wanderers))
  })

  /** Opens the gates of what failed and retries it; answers how many there were. */
  const retryFailed = Effect.gen(function* () {
    const failed = yield* tasks("queue=tally&status=failed")
    for (const { id, reason } of failed) {
      const shut = /the gate is shut: (\S+) (\d+)/.exec(reason ?? "")
      if (shut === null) continue
      fs.writeFileSync(gateOf(place.records, shut[1]!, Number(shut[2])), "")
      yield* write("retrying", id)
      yield* ask("POST", `/tasks/${id}/retry`)
    }
    return failed.length
  })
  const retrying = Effect.andThen(Effect.sleep("2 seconds"), retryFailed)

  const work = [pausing, pausing, pausingQueues, cancelling, retrying].map((one) => Effect.forever(one))
  return {
    /** Works until it is interrupted, and then resumes what is paused. */
    work: Effect.all(work, { concurrency: "unbounded", discard: true }),
    retryFailed
  }
}
