/**
 * Formatting between Postroom's plain entities and Telegram's TL constructors, in both directions and total:
 * what Telegram adds in later layers is dropped, never misread.
 */
import { returnBigInt } from "telegram/Helpers.js"
import { Api } from "telegram/tl/index.js"
import type { TextEntity, TextEntityType } from "./TextEntity.ts"

type Plain = new (args: { offset: number; length: number }) => Api.TypeMessageEntity

const plain: ReadonlyMap<TextEntityType, Plain> = new Map<TextEntityType, Plain>([
  ["bold", Api.MessageEntityBold],
  ["italic", Api.MessageEntityItalic],
  ["underline", Api.MessageEntityUnderline],
  ["strike", Api.MessageEntityStrike],
  ["spoiler", Api.MessageEntitySpoiler],
  ["code", Api.MessageEntityCode],
  ["url", Api.MessageEntityUrl],
  ["email", Api.MessageEntityEmail],
  ["phone", Api.MessageEntityPhone],
  ["mention", Api.MessageEntityMention],
  ["hashtag", Api.MessageEntityHashtag],
  ["cashtag", Api.MessageEntityCashtag],
  ["bot_command", Api.MessageEntityBotCommand],
  ["bank_card", Api.MessageEntityBankCard]
])
const plainNames = new Map(
  [...plain].map(([type, Class]) => [(Class as unknown as { className: string }).className, type])
)

/** TL entity of a plain one; `undefined` when it lacks what its kind needs (a `text_url` without a url). */
const toTlEntity = (entity: TextEntity): Api.TypeMessageEntity | undefined => {
  const { offset, length } = entity
  switch (entity.type) {
    case "text_url":
      return entity.url === undefined ? undefined : new Api.MessageEntityTextUrl({ offset, length, url: entity.url })
    case "pre":
      return new Api.MessageEntityPre({ offset, length, language: entity.language ?? "" })
    case "blockquote":
      return new Api.MessageEntityBlockquote({
        offset,
        length,
        ...(entity.collapsed === true ? { collapsed: true } : {})
      })
    case "text_mention":
      return entity.userId === undefined
        ? undefined
        : new Api.MessageEntityMentionName({ offset, length, userId: returnBigInt(entity.userId) })
    case "custom_emoji":
      return entity.customEmojiId === undefined
        ? undefined
        : new Api.MessageEntityCustomEmoji({ offset, length, documentId: returnBigInt(entity.customEmojiId) })
    default: {
      const Class = plain.get(entity.type)
      return Class === undefined ? undefined : new Class({ offset, length })
    }
  }
}

/** TL entities of plain ones, in order. */
export const toTlEntities = (entities: ReadonlyArray<TextEntity>): Array<Api.TypeMessageEntity> =>
  entities.flatMap((entity) => toTlEntity(entity) ?? [])

/** Plain entity of a TL one; `undefined` for kinds Postroom has no word for. */
const fromTlEntity = (entity: Api.TypeMessageEntity): TextEntity | undefined => {
  const { offset, length } = entity
  if (entity instanceof Api.MessageEntityTextUrl) return { type: "text_url", offset, length, url: entity.url }
  if (entity instanceof Api.MessageEntityPre) {
    return { type: "pre", offset, length, ...(entity.language === "" ? {} : { language: entity.language }) }
  }
  if (entity instanceof Api.MessageEntityBlockquote) {
    return { type: "blockquote", offset, length, ...(entity.collapsed === true ? { collapsed: true } : {}) }
  }
  if (entity instanceof Api.MessageEntityMentionName) {
    return { type: "text_mention", offset, length, userId: entity.userId.toString() }
  }
  if (entity instanceof Api.MessageEntityCustomEmoji) {
    return { type: "custom_emoji", offset, length, customEmojiId: entity.documentId.toString() }
  }
  const type = plainNames.get(entity.className)
  return type === undefined ? undefined : { type, offset, length }
}

/** Plain entities of TL ones, in order. */
export const fromTlEntities = (entities: ReadonlyArray<Api.TypeMessageEntity> | null | undefined): Array<TextEntity> =>
  (entities ?? []).flatMap((entity) => fromTlEntity(entity) ?? [])
