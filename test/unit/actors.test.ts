/** Pure parts of the stages: the message of a post, what an error of a service means, what is remembered. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { explainAi } from "../../src/actors/aiOutcome.ts"
import { explainBlobs } from "../../src/actors/blobOutcome.ts"
import { judge, stillKnown } from "../../src/actors/collector/judgement.ts"
import type { Remembered } from "../../src/actors/collector/judgement.ts"
import { makeActors, queueNames } from "../../src/actors/index.ts"
import { messageOf } from "../../src/actors/publisher/message.ts"
import { explainTelegram } from "../../src/actors/telegramOutcome.ts"
import { topics } from "../../src/topics/index.ts"
import * as Blob from "../../src/services/blobs/BlobError.ts"
import * as Ai from "../../src/services/ai/AiError.ts"
import * as Telegram from "../../src/services/telegram/TelegramError.ts"

const post = {
  id: "s/1",
  source: "s",
  title: "A title",
  text: "Some words.",
  tags: ["news", "two words", "!"],
  url: "https://example.org/a",
  images: []
}

describe("the message of a post", () => {
  it("has its title in bold, its tags, and its source as a link", () => {
    const { text, entities } = messageOf(post, 4096)
    assert.strictEqual(text, "A title\n\nSome words.\n\n#news #twowords\nSource")
    assert.deepStrictEqual(entities, [
      { type: "bold", offset: 0, length: 7 },
      { type: "text_url", offset: text.length - 6, length: 6, url: "https://example.org/a" }
    ])
  })

  it("keeps title and source where the text has to give way, and never exceeds the limit", () => {
    for (const limit of [60, 100, 1_024]) {
      const { text } = messageOf({ ...post, text: "many words 🐋 ".repeat(500) }, limit)
      assert.isAtMost(text.length, limit)
      assert.isTrue(text.startsWith("A title\n\n") && text.endsWith("Source"))
      assert.isTrue(text.isWellFormed(), "no emoji is cut in half")
    }
  })

  it("of a picture without words is its source alone", () => {
    const { text, entities } = messageOf({ ...post, title: "", text: "", tags: [] }, 1_024)
    assert.deepStrictEqual([text, entities.map(({ type }) => type)], ["Source", ["text_url"]])
    assert.deepStrictEqual(messageOf({ ...post, title: "", text: "", tags: [], url: null }, 1_024), {
      text: "",
      entities: []
    })
  })
})

describe("an error of a service", () => {
  const ofModel = (reason: Ai.AiErrorReason) => explainAi(new Ai.AiError({ reason }))
  const ofTelegram = (reason: Telegram.TelegramErrorReason) =>
    explainTelegram(new Telegram.TelegramError({ operation: "send", reason }))

  it.effect("of the blob store: a full disk is waited for and costs no attempt, what is not there ends the task", () =>
    Effect.gen(function* () {
      const ofStore = (reason: Blob.BlobErrorReason) => explainBlobs(new Blob.BlobError({ reason }))
      const detail = "d"
      assert.deepInclude(yield* ofStore(new Blob.StoreFull({ detail })), { _tag: "Delay", untilMs: 15_000 })
      assert.strictEqual((yield* ofStore(new Blob.NotFound({ detail })))._tag, "Fail")
      assert.strictEqual((yield* ofStore(new Blob.Unavailable({ detail })))._tag, "Retry")
    })
  )

  it.effect(
    "of the model: limits and what needs the operator are delays, refusals end the task, outages are retried",
    () =>
      Effect.gen(function* () {
        const detail = "d"
        const limited = yield* ofModel(new Ai.RateLimited({ detail, retryAfter: Duration.seconds(7) }))
        assert.deepInclude(limited, { _tag: "Delay", untilMs: 7_000 })
        assert.deepInclude(yield* ofModel(new Ai.QuotaExhausted({ detail, code: "c" })), {
          _tag: "Delay",
          untilMs: 300_000
        })
        assert.strictEqual((yield* ofModel(new Ai.Unauthorized({ detail, status: 401 })))._tag, "Delay")
        assert.strictEqual((yield* ofModel(new Ai.Refused({ detail })))._tag, "Fail")
        assert.strictEqual((yield* ofModel(new Ai.TokenLimit({ detail, limit: "context" })))._tag, "Fail")
        assert.deepInclude(yield* ofModel(new Ai.Unavailable({ detail, retryAfter: Duration.seconds(2) })), {
          _tag: "Retry",
          afterMs: 2_000
        })
        assert.strictEqual((yield* ofModel(new Ai.InvalidJson({ detail })))._tag, "Retry")
      })
  )

  it.effect(
    "of Telegram: floods and an account in trouble are delays, a forbidden target ends the task, a lost answer is retried",
    () =>
      Effect.gen(function* () {
        const refused = { code: 400, text: "X" }
        const flood = yield* ofTelegram(new Telegram.RateLimited({ seconds: 9, scope: "method", text: "FLOOD_WAIT_9" }))
        assert.deepInclude(flood, { _tag: "Delay", untilMs: 10_000 })
        assert.strictEqual((yield* ofTelegram(new Telegram.AccountRestricted(refused)))._tag, "Delay")
        assert.strictEqual(
          (yield* ofTelegram(new Telegram.AccountDead({ ...refused, duplicated: false })))._tag,
          "Delay"
        )
        assert.strictEqual((yield* ofTelegram(new Telegram.TargetForbidden(refused)))._tag, "Fail")
        assert.strictEqual((yield* ofTelegram(new Telegram.UnknownOutcome({ text: "cut" })))._tag, "Retry")
      })
  )
})

describe("what a user has seen", () => {
  const words = "The ferry across the river Onde runs again since Monday, after forty days of repair in the yard."
  const seen = (at: number): Remembered => {
    const verdict = judge({ id: "a/1", text: words, mediaIds: [] }, [], at)
    return verdict.kind === "new" ? verdict.memory : assert.fail(verdict.kind)
  }

  it("is told again from another source only as a duplicate, which names the first", () => {
    const verdict = judge({ id: "b/9", text: `${words} `, mediaIds: [] }, [seen(0)], 1)
    assert.deepInclude(verdict, { kind: "duplicate", of: "a/1" })
    assert.strictEqual(
      judge({ id: "b/10", text: "Snow fell above 900 metres and closed two passes.", mediaIds: [] }, [seen(0)], 1).kind,
      "new"
    )
  })

  it("is forgotten after a week, and the oldest first beyond four hundred", () => {
    const week = 7 * 24 * 3_600_000
    assert.lengthOf(stillKnown([seen(0)], week - 1), 1)
    assert.lengthOf(stillKnown([seen(0)], week), 0)
    const many = Array.from({ length: 401 }, (_, i) => ({ ...seen(1), id: `${i}` }))
    assert.deepStrictEqual(stillKnown(many, 2)[0]!.id, "1")
  })

  it("a post with neither words nor pictures is empty", () => {
    assert.strictEqual(judge({ id: "a/1", text: " \n", mediaIds: [] }, [], 0).kind, "empty")
    assert.strictEqual(judge({ id: "a/1", text: "", mediaIds: ["p"] }, [], 0).kind, "new")
  })
})

describe("the actors", () => {
  it("that lack what they need are off, with the reason, and the others are not", () => {
    const off = makeActors({ telegram: "no account", models: "no key" }).filter((actor) => actor.off !== null)
    assert.deepStrictEqual(
      off.map(({ name, off }) => [name, off]),
      [
        ["rewriter", "no key"],
        ["imagegen", "no key"],
        ["publisher", "no account"]
      ]
    )
  })

  it("read the topics there are, and each has a queue name", () => {
    const actors = makeActors({ telegram: null, models: null })
    assert.deepStrictEqual(
      actors.map(({ name }) => name),
      [...queueNames]
    )
    for (const { topic } of actors) assert.include(topics, topic)
  })
})
