/** The topics as a whole, and how a value becomes a record. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Schema } from "effect"
import { topics } from "../../src/topics/index.ts"
import { mediaUploaded } from "../../src/topics/mediaUploaded.ts"
import { sourcesDue } from "../../src/topics/sourcesDue.ts"
import * as Topic from "../../src/topics/Topic.ts"

describe("topics", () => {
  it("have names and types of their own, a description that names the key, and names that Kafka takes", () => {
    assert.strictEqual(new Set(topics.map(({ name }) => name)).size, topics.length)
    assert.strictEqual(new Set(topics.map(({ type }) => type)).size, topics.length)
    for (const { name, description, partitions } of topics) {
      assert.match(Topic.deadLetterNameOf(name), /^[a-zA-Z0-9._-]{1,249}$/)
      assert.match(description, /Key: \w+\.$/)
      assert.isAtLeast(partitions, 1)
    }
  })

  it.effect("an output is the value as JSON under the user's key, of the topic's type", () =>
    Effect.gen(function* () {
      const value = { sha256: "a".repeat(64), name: "ü.jpg" }
      const output = yield* Topic.output(mediaUploaded, "änna", value, { priority: "low", id: "x" })
      assert.deepInclude(output, { topic: "media.uploaded", type: "media.uploaded", priority: "low", id: "x" })
      assert.deepStrictEqual(JSON.parse(new TextDecoder().decode(output.value!)), value)
      assert.strictEqual(new TextDecoder().decode(output.key!), "änna")
      assert.isNull((yield* Topic.output(mediaUploaded, null, value)).key)
    })
  )

  it.effect("a value that the topic refuses never becomes a record", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Topic.output(mediaUploaded, "anna", { sha256: "short", name: "" }))
      assert.isTrue(Exit.isFailure(exit) && exit.cause.reasons.some((reason) => reason._tag === "Die"))
    })
  )

  it("a source is a channel, a channel's page or a feed, and nothing else", () => {
    const takes = Schema.is(sourcesDue.value)
    const assignment = { target: "t", style: "", language: "en" }
    for (const source of [
      { kind: "telegram", username: "news" },
      { kind: "web", username: "news" },
      { kind: "feed", url: "https://example.org/feed.xml" }
    ]) {
      assert.isTrue(takes({ source, assignment }), source.kind)
    }
    for (const source of [
      { kind: "fax", number: 1 },
      { kind: "feed", url: "" },
      { kind: "telegram", url: "x" },
      null
    ]) {
      assert.isFalse(takes({ source, assignment }))
    }
    assert.isFalse(takes({ source: { kind: "web", username: "n" }, assignment, backfill: 501 }))
  })
})
