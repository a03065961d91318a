import { assert, describe, it } from "@effect/vitest"
import { Api } from "telegram/tl/index.js"
import type { TextEntity, TextEntityType } from "../../../src/services/telegram/TextEntity.ts"
import { fromTlEntities, toTlEntities } from "../../../src/services/telegram/tlEntities.ts"

const every: Record<TextEntityType, Omit<TextEntity, "type" | "offset" | "length">> = {
  bold: {},
  italic: {},
  underline: {},
  strike: {},
  spoiler: {},
  code: {},
  pre: { language: "ts" },
  blockquote: { collapsed: true },
  text_url: { url: "https://t.me/+invite__x" },
  text_mention: { userId: "9007199254740993" },
  custom_emoji: { customEmojiId: "9223372036854775807" },
  url: {},
  email: {},
  phone: {},
  mention: {},
  hashtag: {},
  cashtag: {},
  bot_command: {},
  bank_card: {}
}

describe("entities on the wire", () => {
  it("every kind survives the way to Telegram and back", () => {
    const entities = Object.entries(every).map(
      ([type, extra], index) => Object.assign({ type, offset: index, length: 2 }, extra) as TextEntity
    )
    assert.deepStrictEqual(fromTlEntities(toTlEntities(entities)), entities)
  })

  it("an entity that lacks what its kind needs is left out", () => {
    assert.deepStrictEqual(toTlEntities([{ type: "text_url", offset: 0, length: 1 }]), [])
  })

  it("a kind Postroom has no word for is left out", () => {
    assert.deepStrictEqual(fromTlEntities([new Api.MessageEntityUnknown({ offset: 0, length: 1 })]), [])
  })
})
