import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { FormattedText, TextEntity } from "../../../src/services/telegram/TextEntity.ts"
import { clipEntities, cutText, graphemeBoundary } from "../../../src/services/telegram/textCut.ts"

const segments = (text: string) => [...new Intl.Segmenter("und", { granularity: "grapheme" }).segment(text)]
const family = "👨‍👩‍👧‍👦"

const character = fc.constantFrom("a", "б", " ", "\n", ".", "e\u0301", "🙂", family, "🇩🇪", "👍🏽", "한", "\u200d", "x")
const text = fc.array(character, { maxLength: 120 }).map((parts) => parts.join(""))
const formatted: fc.Arbitrary<FormattedText> = text.chain((value) =>
  fc
    .array(
      fc.record({
        type: fc.constantFrom("bold", "italic", "text_url", "custom_emoji", "pre", "mention"),
        offset: fc.nat(Math.max(value.length - 1, 0)),
        length: fc.integer({ min: 1, max: 40 })
      }),
      { maxLength: value.length === 0 ? 0 : 8 }
    )
    .map((entities) => ({
      text: value,
      entities: entities
        .map((entity) => ({ ...entity, length: Math.min(entity.length, value.length - entity.offset) }) as TextEntity)
        .filter((entity) => entity.length > 0)
    }))
)

describe("cutting a formatted text", () => {
  it("a text within the limit comes back as it is", () => {
    const whole: FormattedText = { text: "hello ", entities: [{ type: "bold", offset: 0, length: 6 }] }
    assert.strictEqual(cutText(whole, 6), whole)
  })

  it("the result never exceeds the limit", () => {
    fc.assert(
      fc.property(formatted, fc.integer({ min: 0, max: 130 }), (input, limit) => {
        assert.isAtMost(cutText(input, limit).text.length, limit)
      })
    )
  })

  it("a cut text is a whole number of the original's graphemes and an ellipsis", () => {
    fc.assert(
      fc.property(formatted, fc.integer({ min: 1, max: 130 }), (input, limit) => {
        const cut = cutText(input, limit)
        if (cut === input) return
        assert.isTrue(cut.text.endsWith("\u2026"))
        const kept = cut.text.slice(0, -1)
        assert.isTrue(input.text.startsWith(kept))
        const ends = [0, ...segments(input.text).map(({ index, segment }) => index + segment.length)]
        assert.isTrue(ends.some((end) => input.text.slice(0, end).trimEnd() === kept))
      })
    )
  })

  it("every entity of a cut text lies inside it, is not empty and does not end in white space", () => {
    fc.assert(
      fc.property(formatted, fc.integer({ min: 1, max: 130 }), (input, limit) => {
        const cut = cutText(input, limit)
        if (cut === input) return
        for (const { offset, length } of cut.entities) {
          assert.isTrue(offset >= 0 && length > 0 && offset + length <= cut.text.length - 1)
          assert.match(cut.text.slice(offset, offset + length), /\S$/)
        }
      })
    )
  })

  it("cutting a cut text again at the same limit changes nothing", () => {
    fc.assert(
      fc.property(formatted, fc.integer({ min: 0, max: 130 }), (input, limit) => {
        const once = cutText(input, limit)
        assert.strictEqual(cutText(once, limit), once)
      })
    )
  })

  it("4096 units with joined emoji are cut before the emoji, not inside it", () => {
    const long = "x".repeat(4090) + family
    const cut = cutText({ text: long, entities: [] }, 4096)
    assert.strictEqual(cut.text, `${"x".repeat(4090)}\u2026`)
    assert.strictEqual(graphemeBoundary(long, 4095), 4090)
  })

  it("a sentence that ends near the limit is where it is cut", () => {
    const words = "word ".repeat(18)
    const cut = cutText({ text: `${words}The end. And much more text than fits in it`, entities: [] }, 104)
    assert.strictEqual(cut.text, `${words}The end.\u2026`)
  })

  it("a link that would be cut in half is dropped, bold text is shortened", () => {
    const entities: ReadonlyArray<TextEntity> = [
      { type: "bold", offset: 0, length: 20 },
      { type: "text_url", offset: 5, length: 10, url: "https://example.org/a__b" }
    ]
    assert.deepStrictEqual(clipEntities("abcdefghijklmnopqrst", entities, 10), [
      { type: "bold", offset: 0, length: 10 }
    ])
  })
})
