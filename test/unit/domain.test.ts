/** The words of the product: states, outcomes, envelopes, ids, retries. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Data, Exit, Schema } from "effect"
import * as fc from "fast-check"
import { name } from "../../src/api/fields.ts"
import { envelopeOf, headersOf } from "../../src/domain/Envelope.ts"
import { isUuid, outputIdOf, taskIdOf, tickIdOf, uuidOf } from "../../src/domain/ids.ts"
import { done, fail, retry } from "../../src/domain/Outcome.ts"
import { backoffOf, defaultRetryPolicy, mayRetry } from "../../src/domain/RetryPolicy.ts"
import { keyOf, mailboxKeyOf, userOf } from "../../src/domain/Task.ts"
import { isStorableName, storedNameOf } from "../../src/domain/StoredName.ts"
import { celeryName, isFinal, taskStates } from "../../src/domain/TaskState.ts"
import { isMaxCharacters } from "../../src/domain/characters.ts"
import { UserName } from "../../src/domain/tree/Name.ts"
import { deadLetterOf } from "../../src/runtime/DeadLetter.ts"
import { lineOf, outcomeOf } from "../../src/runtime/outcomeOf.ts"

/** Names that the API takes, of any characters and up to the longest. */
const postable = fc.string({ unit: "binary", minLength: 1, maxLength: 200, size: "max" }).filter(Schema.is(name))

describe("the states of a task", () => {
  it("are final from the end of the work on", () => {
    assert.deepStrictEqual(
      taskStates.filter((state) => !isFinal(state)),
      ["queued", "in_progress"]
    )
  })

  it("have Celery's names beside them", () => {
    assert.deepStrictEqual(
      taskStates.map((state) => celeryName(state, 0)),
      ["PENDING", "STARTED", "SUCCESS", "FAILURE", "REVOKED", "FAILURE"]
    )
    assert.strictEqual(celeryName("queued", 1), "RETRY")
  })
})

describe("a task that has failed", () => {
  it("is tried again until it was tried as often as the policy says, the first time counted", () => {
    const policy = { attempts: 3, backoffMs: 1, capMs: 1, onExhausted: "skip" } as const
    assert.deepStrictEqual(
      [1, 2, 3, 4].map((failed) => mayRetry(policy, failed)),
      [true, true, false, false]
    )
  })
})

describe("the wait before a retry", () => {
  it("is by default a second, doubled up to a minute, after each of three attempts; then the key goes on", () => {
    assert.deepStrictEqual(
      [1, 2, 3, 7, 2_000].map((failed) => backoffOf(defaultRetryPolicy, failed, 0)),
      [500, 1_000, 2_000, 30_000, 30_000]
    )
    assert.deepStrictEqual(
      [3, 4].map((failed) => mayRetry(defaultRetryPolicy, failed)),
      [true, false]
    )
    assert.strictEqual(defaultRetryPolicy.onExhausted, "skip")
  })

  it("is at least half of the doubled step and at most the step or the cap, and grows with the chance", () => {
    const policies = fc.record({
      attempts: fc.integer({ min: 1, max: 100 }),
      backoffMs: fc.integer({ min: 0, max: 100_000 }),
      capMs: fc.integer({ min: 0, max: 10_000_000 }),
      onExhausted: fc.constant("skip" as const)
    })
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 2_000 }), chance, (policy, failed, drawn) => {
        let step = policy.backoffMs
        for (let i = 1; i < failed && step < policy.capMs && step > 0; i++) step *= 2
        step = Math.min(step, policy.capMs)
        const wait = backoffOf(policy, failed, drawn)
        assert.isTrue(Number.isSafeInteger(wait))
        assert.isAtLeast(wait, Math.floor(step / 2))
        assert.isAtMost(wait, Math.ceil(step))
        assert.isAtLeast(
          backoffOf(policy, failed, 0.999),
          wait - Math.ceil(step / 500) - 1 - (drawn > 0.999 ? step : 0)
        )
        assert.strictEqual(mayRetry(policy, failed), failed < policy.attempts)
      })
    )
  })
})

describe("an envelope", () => {
  const written = { id: "e-1", type: "post.created", source: "/test", time: 0 }

  it("is read as it was written", () => {
    const headers = headersOf({ ...written, flow: "f", priority: "low", traceparent: "00-aa" })
    assert.deepStrictEqual(headers, {
      ce_id: "e-1",
      ce_type: "post.created",
      ce_source: "/test",
      ce_time: "1970-01-01T00:00:00.000Z",
      ce_specversion: "1.0",
      ce_flow: "f",
      ce_priority: "low",
      traceparent: "00-aa"
    })
    assert.deepStrictEqual(
      envelopeOf(headers, () => "place", "default"),
      { id: "e-1", type: "post.created", flow: "f", priority: "low" }
    )
    assert.notProperty(headersOf(written), "ce_flow")
  })

  it("of a bare record is its place and its topic's type", () => {
    assert.deepStrictEqual(
      envelopeOf({}, () => "t/0/7", "default"),
      { id: "t/0/7", type: "default", flow: null, priority: "medium" }
    )
  })

  it("two ids that differ in half of a surrogate pair are not one: as UTF-8 they would be, and the second be dropped", () => {
    for (const half of ["\ud800", "\udfff"]) {
      assert.strictEqual(
        envelopeOf({ ce_id: `a${half}` }, () => `at ${half.codePointAt(0)}`, "default").id,
        `at ${half.codePointAt(0)}`
      )
    }
  })

  // An id of 129 emoji was taken for too long: its task was named after its place, and the event waited for another.
  it("has the id and the flow of every event that the API takes", () => {
    fc.assert(
      fc.property(postable, (id) => {
        const headers = headersOf({ id, flow: id, type: "post.created", source: "/postroom/test", time: 0 })
        assert.deepInclude(
          envelopeOf(headers, () => "place", "default"),
          { id, flow: id }
        )
      })
    )
  })

  it("is always storable, whatever the headers hold", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 400 }),
      fc.constantFrom("", "\0", "x".repeat(257), "\u{1f600}".repeat(257), "high")
    )
    const headers = fc.dictionary(fc.constantFrom("ce_id", "ce_type", "ce_flow", "ce_priority", "__proto__"), text)
    fc.assert(
      fc.property(headers, (of) => {
        const { id, type, flow, priority } = envelopeOf(of, () => "place", "default")
        for (const part of [id, type, flow ?? "none"])
          assert.isTrue(part.length > 0 && [...part].length <= 256 && !part.includes("\0") && part.isWellFormed())
        assert.include(["high", "medium", "low"], priority)
      })
    )
  })
})

describe("the name of a step or of state", () => {
  it("is kept as it is where it can be, and is never that of another", () => {
    assert.strictEqual(storedNameOf("cursor:telegram:news"), "cursor:telegram:news")
    const name = fc.oneof(
      postable,
      fc.string({ unit: "binary", maxLength: 600, size: "max" }),
      fc.constantFrom("a\0", "\ud800", "\udfff", "")
    )
    fc.assert(
      fc.property(name, name, (a, b) => {
        assert.isTrue(isStorableName(storedNameOf(a)))
        assert.strictEqual(storedNameOf(a) === storedNameOf(b), a === b)
      })
    )
  })
})

describe("ids", () => {
  it("are UUIDs of version 5 that depend on all they are made of and on nothing else", () => {
    const ids = [
      taskIdOf("q", "1"),
      taskIdOf("q", "2"),
      taskIdOf("q2", "1"),
      outputIdOf(uuidOf("t"), 1),
      outputIdOf(uuidOf("t"), 2),
      tickIdOf("q", 1)
    ]
    for (const id of ids) {
      assert.isTrue(isUuid(id))
      assert.strictEqual(id[14], "5")
      assert.include("89ab", id[19]!)
    }
    assert.strictEqual(taskIdOf("q", "1"), ids[0])
    assert.strictEqual(new Set(ids).size, 6)
    assert.isFalse(isUuid("{" + ids[0] + "}"))
  })
})

describe("a key", () => {
  it("has one mailbox name per byte sequence", () => {
    const keys = fc.uint8Array({ maxLength: 8 })
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        assert.strictEqual(mailboxKeyOf(a) === mailboxKeyOf(b), Buffer.compare(a, b) === 0)
      })
    )
    assert.strictEqual(mailboxKeyOf(Uint8Array.of(7, 65, 66, 7).subarray(1, 3)), "AB")
  })

  it("is shown without NUL and never longer than an index takes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_500, size: "max" }), (key) => {
        const user = userOf(key)!
        assert.isTrue(!user.includes("\0") && Buffer.byteLength(user) <= 2_400)
      })
    )
    assert.strictEqual(userOf(null), null)
  })

  // One of more than 200 bytes was cut: what its tasks handed on went on under another key, and its mailbox was empty.
  it("of a user that the API takes is shown as it came, however it is written", () => {
    fc.assert(
      fc.property(postable, (user) => {
        assert.strictEqual(userOf(keyOf(user)), user)
      }),
      { examples: [["\ufeffann"], ["\u{1f600}".repeat(200)]] }
    )
  })
})

describe("the outcome of an attempt", () => {
  class Net extends Data.TaggedError("Net")<{
    readonly retryAfterMs?: number
    readonly isRetryable?: boolean
    readonly reason?: unknown
  }> {}

  it("is what the handler answered, or its value as a result", () => {
    assert.deepStrictEqual(outcomeOf(Exit.succeed(fail("no"))), fail("no"))
    assert.deepStrictEqual(outcomeOf(Exit.succeed({ a: 1 })), done({ a: 1 }))
    assert.deepStrictEqual(outcomeOf(Exit.succeed(undefined)), done(undefined))
    assert.deepStrictEqual(outcomeOf(Exit.succeed({ _tag: "Published" })), done({ _tag: "Published" }))
  })

  it("of an error is a retry unless the error or its reason says that it cannot help", () => {
    const of = (error: unknown) => outcomeOf(Exit.fail(error))
    assert.deepStrictEqual(of(new Net({})), {
      ...retry("Net: "),
      reason: of(new Net({}))._tag === "Retry" ? lineOf(new Net({})) : ""
    })
    assert.deepInclude(of(new Net({ retryAfterMs: 70 })), { _tag: "Retry", afterMs: 70 })
    assert.deepInclude(of(new Net({ reason: { retryAfterMs: 80 } })), { _tag: "Retry", afterMs: 80 })
    assert.deepInclude(of(new Net({ retryAfterMs: -1 })), { _tag: "Retry", afterMs: undefined })
    assert.strictEqual(of(new Net({ isRetryable: false }))._tag, "Fail")
    assert.strictEqual(of(new Net({ reason: { isRetryable: false } }))._tag, "Fail")
    assert.strictEqual(of(new Net({ isRetryable: true, reason: { isRetryable: false } }))._tag, "Retry")
    assert.strictEqual(of("text")._tag, "Retry")
  })

  it("of a defect is a retry, also where the defect has no text", () => {
    const circular: Record<string, unknown> = {}
    circular["self"] = circular
    for (const defect of [new Error("x"), undefined, null, 1n, circular, Symbol("s")]) {
      const outcome = outcomeOf(Exit.failCause(Cause.die(defect)))
      assert.strictEqual(outcome._tag, "Retry")
      assert.isString((outcome as { readonly reason: string }).reason)
    }
  })
})

describe("a dead letter", () => {
  it("has the original bytes and headers, the cause under Spring's names, and an id that a repeat has too", () => {
    const record = { key: Uint8Array.of(1), value: Uint8Array.of(0, 255), headers: { ce_id: "orig", own: "kept" } }
    const of = {
      task: uuidOf("t"),
      queue: "q",
      topic: "t",
      partition: 2,
      offset: 9,
      queuedAt: 1_000,
      attempts: 4,
      record,
      reason: "no",
      detail: "x".repeat(10_000)
    }
    const letter = deadLetterOf(of)
    assert.deepInclude(letter, { topic: "t.dlq", key: record.key, value: record.value })
    assert.deepInclude(letter.headers, {
      own: "kept",
      "x-dlq-id": "orig",
      "x-dlq-attempts": "4",
      "kafka_dlt-exception-message": "no",
      "kafka_dlt-original-topic": "t",
      "kafka_dlt-original-partition": "2",
      "kafka_dlt-original-offset": "9",
      "kafka_dlt-original-timestamp": "1000",
      "kafka_dlt-original-timestamp-type": "LogAppendTime",
      "kafka_dlt-original-consumer-group": "q"
    })
    assert.strictEqual(letter.headers["kafka_dlt-exception-stacktrace"]!.length, 4_096)
    assert.strictEqual(deadLetterOf(of).headers["ce_id"], letter.headers["ce_id"])
    assert.notStrictEqual(letter.headers["ce_id"], "orig")
  })
})

describe("the length of a text", () => {
  const emoji = "\u{1f600}"

  it("is counted in characters, as the documents say it is", () => {
    const schema = Schema.String.check(isMaxCharacters(3))
    const fits = Schema.is(schema)
    for (const text of ["", "abc", emoji.repeat(3), `a${emoji}b`, "\ud800".repeat(3)]) assert.isTrue(fits(text), text)
    for (const text of ["abcd", emoji.repeat(4), `abc${emoji}`, "x".repeat(100)]) assert.isFalse(fits(text), text)
    assert.deepInclude(Schema.toJsonSchemaDocument(schema).schema, { maxLength: 3 })
  })

  it("of a user's name is one of bytes too: a task shows no more of it", () => {
    const isName = Schema.is(UserName)
    for (const text of ["x".repeat(199), emoji.repeat(49)]) assert.isTrue(isName(text), text)
    for (const text of ["x".repeat(200), emoji.repeat(50), emoji.repeat(150)]) assert.isFalse(isName(text), text)
  })
})
