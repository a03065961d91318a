/**
 * One round of HTTP fuzzing: a program of its own, many requests, and what must
 * hold after them: it is ready, what was accepted has ended, its memory is
 * bounded, its log tells of no error, and it ends in order.
 */
import { Effect, Schedule } from "effect"
import { connect } from "../support/postgres.ts"
import { openConnection } from "./Connection.ts"
import { parcels } from "./parcel.ts"
import { sendAll } from "./sending.ts"
import type { Finding, Sent } from "./sending.ts"
import { drawingFor, residentMib, startTarget } from "./Target.ts"
import type { Target } from "./Target.ts"
import { bytesOf } from "./Wire.ts"

export interface HttpRound {
  readonly seed: number
  readonly from: number
  readonly count: number
  readonly connections: number
  readonly progress: (sent: number, findings: number) => void
}

export interface HttpReport extends Omit<Sent, "accepted" | "resumes"> {
  readonly accepted: number
  readonly residentMib: { readonly before: number; readonly after: number }
}

/** A process that was given bad input for minutes may hold so much, MiB. */
const mostResidentMib = 1_024

const stateFinding = (round: HttpRound, fault: string, smallest: string): Finding => ({
  seed: round.seed,
  index: round.from,
  kind: "after",
  fault,
  smallest,
  alone: false
})

/** Each over a connection of its own: what is nonsense to the server closes it, and would take the next one along. */
const resumeAll = (target: Target, sent: Sent) =>
  Effect.promise(async () => {
    const headers = [
      ["host", "x"],
      ["authorization", `Bearer ${target.token}`]
    ] as const
    for (const place of sent.resumes) {
      const connection = openConnection(target.port)
      const body = Buffer.alloc(0)
      connection.send(bytesOf({ method: "POST", target: place, version: "HTTP/1.1", headers, body, framing: "length" }))
      await connection.next("POST", 10_000)
      connection.close()
    }
  })

/** Ids of events that were kept, and some of those that should have ended and have not, with what holds them. */
const kept = (target: Target) =>
  Effect.scoped(
    Effect.gen(function* () {
      const sql = yield* connect(target.databaseUrl)
      const rows = yield* sql<{ id: string }>`SELECT id FROM event`
      const open =
        yield* sql`SELECT e.id AS event, e.user_key AS "user", t.id AS task, t.state, t.attempt, t.not_before,
          EXISTS (SELECT 1 FROM key_control k WHERE k.key = t.key AND k.paused) AS paused
        FROM event e LEFT JOIN task t ON t.id = e.task
        WHERE e.type = ${parcels.type} AND (t.id IS NULL OR t.state < 2)
          AND NOT EXISTS (SELECT 1 FROM schedule s WHERE s.id = 'event:' || e.id) LIMIT 10`
      return { ids: new Set(rows.map(({ id }) => id)), open }
    })
  )

const soon = Schedule.upTo(Schedule.spaced("200 millis"), { duration: "120 seconds" })

const good = { id: "the-last", type: parcels.type, user: "the-last", data: { n: 1 } }

/** Plays one round. */
export const fuzzHttp = (round: HttpRound): Effect.Effect<HttpReport> =>
  Effect.scoped(
    Effect.gen(function* () {
      const target = yield* startTarget
      const before = yield* residentMib(target)
      const sent = yield* Effect.promise(() =>
        sendAll({ ...round, port: target.port, drawing: drawingFor(target, round.seed) })
      )
      const findings = [...sent.findings]
      const find = (fault: string, smallest = "") => findings.push(stateFinding(round, fault, smallest))

      const after = yield* Effect.gen(function* () {
        yield* resumeAll(target, sent)
        const resident = yield* residentMib(target)
        if (!(resident <= mostResidentMib)) find("memory is not bounded", `${resident} MiB`)
        if ((yield* target.client.get("/health/ready")).status !== 200) find("it is not ready")
        if ((yield* target.client.post("/events", good)).status !== 202) find("a good event is refused")
        const ended = yield* target.client
          .get(`/events/${good.id}`)
          .pipe(Effect.repeat({ schedule: soon, until: ({ body }) => body.status === "succeeded" }))
        if (ended.body.status !== "succeeded") find("a good event does not run", JSON.stringify(ended.body))
        const events = yield* Effect.orDie(kept(target)).pipe(
          Effect.repeat({ schedule: soon, until: ({ open }) => open.length === 0 })
        )
        if (events.open.length > 0) find("events that were accepted have not ended", JSON.stringify(events.open))
        for (const id of sent.accepted)
          if (!events.ids.has(id)) find("an accepted event is not kept", JSON.stringify(id))
        return resident
      }).pipe(
        Effect.catchCause((cause) => {
          find("the program does not answer any more", String(cause))
          return Effect.succeed(Number.NaN)
        })
      )

      yield* target.program.signal("SIGINT")
      const { code, err } = yield* target.program.ended
      if (code !== 130) find("it ended by itself", `${code}: ${err.slice(-2_000)}`)
      const error = /^.*(ERROR|[Uu]nhandled).*$/m.exec(err)?.[0]
      if (error !== undefined) find("its log tells of an error", error.slice(0, 2_000))
      const { accepted, resumes: _, ...rest } = sent
      return { ...rest, findings, accepted: accepted.size, residentMib: { before, after } }
    })
  )
