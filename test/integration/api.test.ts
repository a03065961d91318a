/** The HTTP API over a real socket: what it answers to right, odd and wrong requests. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { connect } from "node:net"
import { Broker } from "../../src/broker/Broker.ts"
import * as Actor from "../../src/runtime/Actor.ts"
import * as Topic from "../../src/topics/Topic.ts"
import { startInstallation, untilOver } from "../scenarios/Installation.ts"

const notes = Topic.make({
  name: "notes",
  type: "note",
  description: "Something to note. Key: user.",
  value: Schema.Struct({ text: Schema.String, stars: Schema.optionalKey(Schema.Int) })
})
const note = Actor.make({ name: "note", topic: notes, handler: ({ text }) => Effect.succeed({ length: text.length }) })
const installation = startInstallation({ actors: [note] })
const event = (id: string, text = "x") => ({ id, type: "note", user: "anna", data: { text } })

const isProblem = (
  answer: { readonly status: number; readonly headers: Headers; readonly body: any },
  status: number
) => {
  assert.strictEqual(answer.status, status, JSON.stringify(answer.body))
  assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/)
  assert.strictEqual(answer.body.status, status)
  for (const member of ["type", "title", "detail"]) assert.isString(answer.body[member])
}

const pathsOf = (body: any) => body.errors.map((error: any) => error.path.join("."))

/** The status line of a request that was written by hand. */
const raw = (base: string, text: string) =>
  Effect.callback<string>((resume) => {
    const socket = connect(Number(new URL(base).port), "127.0.0.1", () => socket.write(text))
    let answer = ""
    socket.setEncoding("utf8").on("data", (part: string) => (answer += part))
    socket.on("close", () => resume(Effect.succeed(answer)))
    socket.on("error", () => resume(Effect.succeed(answer)))
  })

/** The statuses and problems in what a connection said, in order. */
const saidIn = (text: string) =>
  text.split(/(?=HTTP\/1\.1 \d)/).map((part) => ({
    status: Number(part.slice(9, 12)),
    body: JSON.parse(part.slice(part.indexOf("\r\n\r\n"))) as any
  }))

describe("the API", () => {
  it.live("what is no HTTP was answered with an empty body: it is a problem too, and closes the connection", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { base } = yield* installation
        const refused: ReadonlyArray<readonly [status: number, request: string]> = [
          [400, "NONSENSE\r\n\r\n"],
          [400, "GET / HTTP/1.1\r\nbad name: 1\r\n\r\n"],
          [400, "GET /api/v1/health/live HTTP/1.1\r\n\r\n"],
          [405, "CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n"],
          [417, "GET /api/v1/health/live HTTP/1.1\r\nhost: x\r\nexpect: a miracle\r\nconnection: close\r\n\r\n"],
          [431, `GET / HTTP/1.1\r\nhost: x\r\nx: ${"x".repeat(20_000)}\r\n\r\n`]
        ]
        for (const [status, request] of refused) {
          const text = yield* raw(
            base,
            request.replace("live HTTP/1.1\r\n\r\n", "live HTTP/1.1\r\nconnection: close\r\n\r\n")
          )
          assert.match(text, /content-type: application\/problem\+json/i, request.slice(0, 40))
          const [said, ...more] = saidIn(text)
          assert.lengthOf(more, 0)
          assert.deepStrictEqual([said!.status, said!.body.status], [status, status])
          for (const member of ["_tag", "type", "title", "detail"]) assert.isNotEmpty(said!.body[member])
        }
        // Older clients name no host, and health is asked for by such.
        const old = yield* raw(base, "GET /api/v1/health/live HTTP/1.0\r\n\r\n")
        assert.match(old, /^HTTP\/1\.1 200/)
      })
    )
  )

  it.live("an answer to nonsense took the place of the answer to the request before it: each comes in its turn", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { base, client } = yield* installation
        const good = JSON.stringify(event("before nonsense"))
        const post = `POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${client.token}\r\ncontent-type: application/json\r\ncontent-length: ${good.length}\r\n\r\n${good}`
        for (const after of ["NONSENSE\r\n\r\n", "CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n"]) {
          const said = saidIn(yield* raw(base, post + post + after))
          assert.deepStrictEqual(
            said.map(({ status }) => status),
            [202, 202, after.startsWith("N") ? 400 : 405]
          )
        }
      })
    )
  )

  it.live("a flow could not be cancelled while a record held NUL beside its name", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client, context } = yield* startInstallation({ actors: [note], works: false })
        yield* client.post("/events", event("beside"))
        const foreign = { ce_id: "foreign", ce_flow: "beside", "x-odd": "\0 \ud800" }
        yield* Effect.provide(
          Broker.use((broker) => broker.append([{ topic: notes.name, key: null, value: null, headers: foreign }])),
          context
        )
        const { status, body } = yield* client.post("/events/beside/cancel")
        assert.deepStrictEqual([status, body.status], [202, "queued"], JSON.stringify(body))
      })
    )
  )

  it.live("answers every wrong request with a problem that says what is wrong and where", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client, stranger, base } = yield* installation
        isProblem(yield* client.get("/nothing"), 404)
        const method = yield* client.call("DELETE", "/events")
        isProblem(method, 405)
        assert.strictEqual(method.headers.get("allow"), "POST")
        assert.strictEqual((yield* client.call("PATCH", "/tasks")).headers.get("allow"), "GET, HEAD")
        isProblem(yield* client.get("/tasks/%zz"), 400)
        for (const body of ["{", "[]", "null", "7", '"text"']) isProblem(yield* client.post("/events", body), 400)
        isProblem(yield* client.post("/events", "a=b", { "content-type": "application/x-www-form-urlencoded" }), 415)
        isProblem(yield* client.post("/events", "hello", { "content-type": "text/plain" }), 415)
        const large = yield* client.post("/events", event("large", "x".repeat(300_000)))
        isProblem(large, 413)
        assert.strictEqual(large.headers.get("connection"), "close")
        isProblem(yield* client.get("/events/none"), 404)
        isProblem(yield* client.get("/tasks/none"), 404)
        isProblem(yield* client.post("/queues/none/pause"), 404)
        const stray = yield* stranger.get("/tasks")
        isProblem(stray, 401)
        assert.match(stray.headers.get("www-authenticate")!, /^Bearer/)
        // A body without an end and without a length is cut off at the limit too.
        const endless = `POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${client.token}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`
        const chunk = `10000\r\n${"a".repeat(0x10000)}\r\n`
        assert.match(yield* raw(base, endless + chunk.repeat(5)), /^HTTP\/1\.1 413/)
      })
    )
  )

  it.live("answers a post by the short way as it does by the whole way", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client, stranger } = yield* installation
        // A content type with a parameter is the same to the contract and not taken by the short way.
        const ways = ["application/json", "application/json; charset=utf-8"]
        const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)])
        const bodies: ReadonlyArray<(id: string) => unknown> = [
          (id) => event(id),
          (id) => event(id),
          (id) => event(id, "another text under the same id"),
          (id) => ({ ...event(`${id}-high`), priority: "high" }),
          (id) => ({ ...event(`${id}-later`), at: "2126-01-01T00:00:00Z" }),
          (id) => ({ ...event(`${id}-later`), at: "soon" }),
          (id) => ({ ...event(id), colour: "red" }),
          (id) => ({ ...event(id), data: { text: 5, stars: 1.5 } }),
          (id) => ({ ...event(id), data: deep(40) }),
          (id) => ({ ...event(id), type: "nothing" }),
          (id) => ({ ...event(id), user: "half \ud800" }),
          () => ({}),
          () => "{",
          () => "",
          () => "null"
        ]
        for (const who of [client, stranger]) {
          for (const body of bodies) {
            const answers = yield* Effect.forEach(ways, (type, i) =>
              Effect.map(who.post("/events", body(`id${i}`), { "content-type": type }), (answer) => ({
                status: answer.status,
                type: answer.headers.get("content-type"),
                names: [...answer.headers.keys()].sort(),
                body: { ...answer.body, eventId: answer.body.eventId?.replace(`id${i}`, "id"), taskId: "" }
              }))
            )
            assert.deepStrictEqual(answers[0], answers[1])
          }
        }
        const [short, whole] = yield* Effect.forEach(ways, (type) =>
          client.post("/events", { ...event("x"), id: undefined }, { "content-type": type })
        )
        assert.notStrictEqual(short!.body.eventId, whole!.body.eventId)
        yield* untilOver(client, short!.body.eventId)
        yield* untilOver(client, whole!.body.eventId)
      })
    )
  )

  it.live("names every bad field of an event by its path, and keeps nothing of it", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client } = yield* installation
        const bad = { id: "", type: "note", user: "a\0b", data: {}, at: 5, extra: true }
        assert.sameMembers(pathsOf((yield* client.post("/events", bad)).body), ["id", "user", "at", "extra"])
        const data = yield* client.post("/events", {
          ...event("e"),
          data: { text: 5, stars: 1.5, colour: "red" },
          at: "tomorrow"
        })
        isProblem(data, 400)
        assert.sameMembers(pathsOf(data.body), ["at", "data.text", "data.stars", "data.colour"])
        const type = yield* client.post("/events", { ...event("e"), type: "poem" })
        assert.deepStrictEqual(type.body.errors, [{ path: ["type"], message: "no such event type; known are note" }])
        const half = yield* client.post("/events", '{"type":"note","user":"\\ud800","data":{"text":"x"}}')
        assert.deepStrictEqual(pathsOf(half.body), ["user"])
        const nested = "[".repeat(5_000) + "]".repeat(5_000)
        const deep = yield* client.post("/events", `{"type":"note","user":"anna","data":${nested}}`)
        assert.match(deep.body.errors[0].message, /nested more than 32 levels/)
        const batch = yield* client.post("/events/batch", {
          events: [event("ok"), { ...event("e"), type: "poem" }, { ...event("f"), data: {} }]
        })
        assert.deepStrictEqual(pathsOf(batch.body), ["events.1.type", "events.2.data.text"])
        isProblem(yield* client.post("/events/batch", { events: [] }), 400)
        isProblem(
          yield* client.post("/events/batch", { events: Array.from({ length: 1_001 }, (_, i) => event(`${i}`)) }),
          400
        )
        for (const id of ["ok", "e", "f"]) assert.strictEqual((yield* client.get(`/events/${id}`)).status, 404)
        const filter = yield* client.get("/tasks?status=lost&since=yesterday&q=%00&cursor=x")
        assert.deepStrictEqual(pathsOf(filter.body), ["query.status", "query.since", "query.q", "query.cursor"])
        assert.strictEqual((yield* client.get("/tasks?status=failed,%20queued&since=0000-01-01T00:00:00Z")).status, 200)
        assert.deepStrictEqual(pathsOf((yield* client.get("/tasks?stauts=failed")).body), ["query.stauts"])
        // No client can ask for /events/.. : what cannot be found again is not taken.
        for (const dots of [".", ".."])
          assert.deepStrictEqual(pathsOf((yield* client.post("/events", event(dots))).body), ["id"])
        isProblem(yield* client.get("/tasks?limit=0"), 400)
        isProblem(yield* client.get("/users/a%00b/mailbox"), 400)
      })
    )
  )

  it.live("answers a repeat of an event the same, by id or by key, and refuses another body under it", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client } = yield* installation
        const first = yield* client.post("/events", event("once"))
        assert.strictEqual(first.status, 202)
        assert.deepStrictEqual(Object.keys(first.body), ["eventId", "taskId", "status"])
        yield* untilOver(client, "once")
        // The order of members is no difference.
        const again = yield* client.post("/events", '{"data":{"text":"x"},"user":"anna","type":"note","id":"once"}')
        assert.deepStrictEqual([again.status, again.body], [202, first.body])
        isProblem(yield* client.post("/events", event("once", "y")), 409)
        const keyed = { type: "note", user: "anna", data: { text: "k" } }
        const byKey = yield* client.post("/events", keyed, { "idempotency-key": "key 1" })
        assert.deepStrictEqual((yield* client.post("/events", keyed, { "idempotency-key": "key 1" })).body, byKey.body)
        isProblem(yield* client.post("/events", { ...keyed, user: "ben" }, { "idempotency-key": "key 1" }), 409)
        // Whatever keys a client's library makes up, the id is what names the event.
        const named = yield* client.post("/events", event("a"), { "idempotency-key": "b" })
        assert.strictEqual(named.body.eventId, "a")
        const repeated = yield* client.post("/events", event("a"), { "idempotency-key": "c" })
        assert.deepStrictEqual([repeated.status, repeated.body], [202, named.body])
        const batch = { events: [keyed, keyed] }
        const receipts = yield* client.post("/events/batch", batch, { "idempotency-key": "batch" })
        assert.deepStrictEqual(
          (yield* client.post("/events/batch", batch, { "idempotency-key": "batch" })).body,
          receipts.body
        )
        assert.notStrictEqual(receipts.body.events[0].taskId, receipts.body.events[1].taskId)
        assert.lengthOf(
          (yield* client.get("/tasks?user=anna&limit=500")).body.tasks.filter((task: any) => task.flow === "once"),
          1
        )
      })
    )
  )

  it.live("takes all events of a batch or none", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client } = yield* installation
        yield* client.post("/events", event("taken"))
        const mixed = yield* client.post("/events/batch", { events: [event("new"), event("taken", "other")] })
        isProblem(mixed, 409)
        assert.deepStrictEqual(pathsOf(mixed.body), ["events.1.id"])
        const within = yield* client.post("/events/batch", { events: [event("new", "1"), event("new", "2")] })
        assert.deepStrictEqual(pathsOf(within.body), ["events.1.id"])
        assert.strictEqual((yield* client.get("/events/new")).status, 404)
        const many = Array.from({ length: 1_000 }, (_, i) => event(`m${i}`))
        assert.lengthOf((yield* client.post("/events/batch", { events: many })).body.events, 1_000)
      })
    )
  )

  it.live("ids and users may hold anything that can be stored, and are found again", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client } = yield* installation
        for (const odd of ["a/b", "ü?&#%", "...", "'; DROP TABLE event; --", "𝔲".repeat(100), " "]) {
          const answer = yield* client.post("/events", { ...event(odd), user: odd })
          assert.strictEqual(answer.status, 202, odd)
          const done = yield* untilOver(client, odd)
          assert.strictEqual(done.user, odd)
          const mailbox = yield* client.get(`/users/${encodeURIComponent(odd)}/mailbox`)
          assert.strictEqual(mailbox.body.user, odd)
        }
      })
    )
  )

  it.live("lists tasks newest first, page by page, without leaving one out or showing one twice", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client } = yield* installation
        const events = Array.from({ length: 25 }, (_, i) => ({ ...event(`e${i}`), user: `user ${i % 5}` }))
        yield* client.post("/events/batch", { events })
        for (const { id } of events) yield* untilOver(client, id)
        const seen: Array<string> = []
        let cursor: string | null = ""
        while (cursor !== null) {
          const page: any = (yield* client.get(`/tasks?queue=note&limit=10${cursor === "" ? "" : `&cursor=${cursor}`}`))
            .body
          seen.push(...page.tasks.map((task: any) => task.flow))
          cursor = page.next
        }
        assert.sameMembers(
          seen,
          events.map(({ id }) => id)
        )
        assert.lengthOf((yield* client.get("/tasks?user=user%203&status=succeeded,failed")).body.tasks, 5)
        assert.lengthOf((yield* client.get("/tasks?flow=e7&type=note")).body.tasks, 1)
        const hour = new Date(Date.now() + 3_600_000).toISOString()
        assert.lengthOf((yield* client.get(`/tasks?since=${hour}`)).body.tasks, 0)
        assert.lengthOf((yield* client.get(`/tasks?until=${hour}&limit=500`)).body.tasks, 25)
        assert.lengthOf((yield* client.get("/tasks?since=2026-01-01T00:00:00+02:00&limit=500")).body.tasks, 25)
        assert.lengthOf((yield* client.get("/tasks?q=user%204")).body.tasks, 5)
      })
    )
  )

  it.live("describes what the data of each type of event has to be", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { stranger } = yield* installation
        const { body } = yield* stranger.get("/openapi.json")
        const bodyOf = (path: string) =>
          body.paths[`/api/v1${path}`].post.requestBody.content["application/json"].schema
        assert.deepStrictEqual(bodyOf("/events"), { $ref: "#/components/schemas/PostedEvent" })
        assert.deepStrictEqual(bodyOf("/events/batch").properties.events.items, bodyOf("/events"))
        const { PostedEvent, "event-note": posted } = body.components.schemas
        assert.deepInclude(JSON.stringify(PostedEvent), "#/components/schemas/event-note")
        assert.deepStrictEqual(posted.properties.type.enum, ["note"])
        assert.deepStrictEqual(posted.properties.data.required, ["text"])
        assert.isFalse(posted.properties.data.additionalProperties)
      })
    )
  )

  it.live("every documented operation but health asks for a token, and documents what it answers", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client, stranger } = yield* installation
        const { body } = yield* stranger.get("/openapi.json")
        let count = 0
        for (const [place, operations] of Object.entries<any>(body.paths)) {
          for (const [method, operation] of Object.entries<any>(operations)) {
            count++
            const isOpen = place.includes("/health/")
            const path = place.replace("/api/v1", "").replaceAll(/\{\w+\}/g, "x")
            for (const asking of [
              stranger,
              {
                call: (m: string, p: string) =>
                  stranger.call(m, p, { headers: { authorization: "Bearer pr_000000000000.wrong" } })
              }
            ]) {
              const answer = yield* asking.call(method.toUpperCase(), path)
              assert.strictEqual(answer.status === 401, !isOpen, `${method} ${place} answered ${answer.status}`)
            }
            const known = yield* client.call(method.toUpperCase(), path)
            assert.property(operation.responses, String(known.status), `${method} ${place}`)
            assert.isString(operation.summary)
            const wanted = [
              ...(isOpen ? [] : ["401"]),
              ...(method === "post" && place.includes("/events") && operation.requestBody !== undefined
                ? ["409", "413", "415"]
                : [])
            ]
            assert.includeMembers(Object.keys(operation.responses), ["400", "500", ...wanted], `${method} ${place}`)
          }
        }
        assert.isAtLeast(count, 17)
      })
    )
  )

  it.live("metrics count what ended, by queue and outcome", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { client } = yield* installation
        yield* client.post("/events", event("m"))
        yield* untilOver(client, "m")
        const text = (yield* client.get("/metrics")).body as string
        for (const name of [
          "tasks_ended_total",
          "attempts_total",
          "task_duration_seconds",
          "task_wait_seconds",
          "flush_tasks",
          "flush_duration_seconds",
          "http_requests_total",
          "queue_queued_tasks"
        ]) {
          assert.match(text, new RegExp(`^# HELP postroom_${name} \\S`, "m"))
          assert.match(text, new RegExp(`^# TYPE postroom_${name} (counter|gauge|histogram)$`, "m"))
        }
        assert.match(text, /^postroom_tasks_ended_total\{queue="note",outcome="succeeded"\} [1-9]/m)
        assert.match(text, /^postroom_flush_tasks_count [1-9]/m)
      })
    )
  )
})
