import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { trigramSimilarity } from "../../src/domain/content/textFingerprint.ts"
import { normaliseText } from "../../src/domain/content/normaliseText.ts"
import { answerText } from "../../src/sandbox/openai/answerText.ts"
import { languageOf } from "../../src/sandbox/openai/phrasebook.ts"
import { estimateTokens, sourcePostOf } from "../../src/sandbox/openai/promptReading.ts"
import { clip, rewritePost } from "../../src/sandbox/openai/rewritePost.ts"
import { sampleOfPattern } from "../../src/sandbox/openai/sampleOfPattern.ts"
import { makeDemoWorld } from "../../src/sandbox/world/DemoWorld.ts"
import { strictJsonSchema } from "../../src/services/ai/strictJsonSchema.ts"

const world = makeDemoWorld(1_795_250_000)
const languages = new Map([
  ...world.model.channels.map(
    ({ username }) =>
      [
        username,
        /cocina/.test(username) ? "es" : /falken|nordk/.test(username) ? "de" : /zarech/.test(username) ? "ru" : "en"
      ] as const
  ),
  ["vestnik", "ru"] as const,
  ["open-bench", "en"] as const
])
const stories = world.posts.filter(({ post, text }) => post.expected.verdict === "publish" && text.length > 60)
const linksIn = (text: string) => text.match(/(?:https?:\/\/|t\.me\/)\S+/g) ?? []
const numbersIn = (text: string) => new Set(text.match(/\d+/g))

describe("the sandbox model's editor", () => {
  it.each(stories.map((story) => [story.post.key, story] as const))(
    "%s is rewritten in its language, shorter, and adds nothing",
    (_key, { source, text }) => {
      const language = languages.get(source.kind === "telegram" ? source.username : source.name)
      const rewriting = rewritePost(text)
      assert.strictEqual(rewriting.language, language)
      assert.strictEqual(languageOf(rewriting.text), language)
      assert.isAtMost(rewriting.text.length, 900)
      assert.isBelow(rewriting.text.length, text.length)
      assert.isBelow(trigramSimilarity(normaliseText(text), normaliseText(rewriting.text)), 0.9)
      assert.isAtLeast(rewriting.text.length, 80)
      assert.isAbove(rewriting.title.length, 10)
      assert.isAtMost(rewriting.title.length, 70)
      assert.notMatch(rewriting.title, /[.…\n]$/)
      assert.isAtLeast(rewriting.tags.length, 3)
      for (const tag of rewriting.tags) assert.match(tag, /^[\p{L}\p{M}]+$/u)
      assert.include(rewriting.altText, rewriting.title)
      for (const link of linksIn(`${rewriting.title} ${rewriting.text} ${rewriting.imagePrompt}`))
        assert.include(linksIn(text), link)
      for (const number of numbersIn(`${rewriting.title} ${rewriting.text}`))
        assert.isTrue(numbersIn(text).has(number), number)
    }
  )

  it("a cut falls between words and is marked", () => {
    assert.strictEqual(clip("one two three", 20), "one two three")
    assert.strictEqual(clip("one two three", 10), "one two…")
    assert.isAtMost(clip("x".repeat(50), 10).length, 10)
  })

  it("the post is found between tags, in JSON, or as the whole message", () => {
    assert.strictEqual(sourcePostOf('Do it.\n<post lang="en">\nHello\n</post>'), "Hello")
    assert.strictEqual(
      sourcePostOf([
        { role: "developer", content: "x" },
        { role: "user", content: [{ type: "input_text", text: "Hi" }] }
      ]),
      "Hi"
    )
    assert.strictEqual(sourcePostOf('{"text":"Hej"}'), "Hej")
    assert.strictEqual(sourcePostOf('{"broken"'), '{"broken"')
    assert.strictEqual(sourcePostOf(7), "")
  })

  it("longer texts and wider letters take more tokens", () => {
    assert.strictEqual(estimateTokens("abcdefgh"), 2)
    assert.strictEqual(estimateTokens("абвгдежз"), 4)
  })
})

describe("an answer by schema", () => {
  const answers = <A, E>(schema: Schema.Codec<A, E>): Result.Result<A, unknown> => {
    const wire = Result.getOrThrow(strictJsonSchema(schema))
    const text = answerText("<post>The old bridge over the river opens again on Monday. It took three years.</post>", {
      kind: "schema",
      name: "x",
      schema: wire
    })
    return Schema.decodeUnknownResult(schema, { onExcessProperty: "error", errors: "all" })(JSON.parse(text))
  }
  const schemas: ReadonlyArray<readonly [string, Schema.Codec<unknown, unknown>]> = [
    [
      "limits of strings",
      Schema.Struct({
        title: Schema.String.check(Schema.isMaxLength(20)),
        text: Schema.String.check(Schema.isMaxLength(40))
      })
    ],
    [
      "patterns",
      Schema.Struct({
        slug: Schema.String.check(Schema.isPattern(/^[a-z0-9]+(?:-[a-z0-9]+)*$/u)),
        tag: Schema.String.check(Schema.isPattern(/^#\w{3,}$/u)),
        code: Schema.String.check(Schema.isPattern(/^(?:A|B)\d{2}\.[^x]$/u))
      })
    ],
    [
      "numbers and bounds",
      Schema.Struct({
        a: Schema.Int.check(Schema.isBetween({ minimum: 3, maximum: 9 })),
        b: Schema.Finite.check(Schema.isGreaterThan(0.5)),
        c: Schema.Finite.check(Schema.isLessThan(-2))
      })
    ],
    [
      "lists",
      Schema.Struct({
        tags: Schema.Array(Schema.String).check(Schema.isMinLength(3), Schema.isMaxLength(5)),
        parts: Schema.Array(Schema.Struct({ n: Schema.Int })).check(Schema.isMinLength(2))
      })
    ],
    [
      "unions, literals and nulls",
      Schema.Struct({
        kind: Schema.Literals(["x", "y"]),
        maybe: Schema.NullOr(Schema.Struct({ ok: Schema.Boolean })),
        either: Schema.Union([Schema.Int, Schema.String])
      })
    ],
    [
      "tagged unions in a list",
      Schema.Struct({
        blocks: Schema.Array(
          Schema.Union([
            Schema.Struct({ type: Schema.Literal("a"), text: Schema.String }),
            Schema.Struct({ type: Schema.Literal("b"), n: Schema.Int })
          ])
        )
      })
    ]
  ]
  it.each(schemas)("satisfies %s", (_name, schema) => {
    const result = answers(schema)
    assert.isTrue(Result.isSuccess(result), String(Result.isFailure(result) ? result.failure : ""))
  })

  it("satisfies a schema that refers to itself", () => {
    interface Tree {
      readonly name: string
      readonly children: ReadonlyArray<Tree>
    }
    const Tree: Schema.Codec<Tree> = Schema.Struct({
      name: Schema.String,
      children: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree))
    }).annotate({ identifier: "Tree" })
    assert.isTrue(Result.isSuccess(answers(Tree)))
  })

  it.each([
    "^a+$",
    "^[A-Z]{3}-\\d{4}$",
    "^(?:foo|bar)?x$",
    "^\\p{L}+$",
    "^[^abc]{2}$",
    "^v\\d+\\.\\d+$",
    "^https://[a-z]+\\.example/$"
  ])("a sample of %s matches it", (pattern) => {
    assert.match(sampleOfPattern(pattern), new RegExp(pattern, "u"))
  })
})
