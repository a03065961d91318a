/**
 * A formatted span of a message: the one form in which Postroom keeps formatting. Text stays plain and is never
 * Markdown or HTML, because a parser on the way out is what eats `__` and `+` from links.
 */

/**
 * The kinds of formatting Telegram knows, named after its own `messageEntity…` constructors.
 * Source: core.telegram.org/api/entities.
 */
export type TextEntityType =
  | "bold"
  | "italic"
  | "underline"
  | "strike"
  | "spoiler"
  | "code"
  | "pre"
  | "blockquote"
  | "text_url"
  | "text_mention"
  | "custom_emoji"
  | "url"
  | "email"
  | "phone"
  | "mention"
  | "hashtag"
  | "cashtag"
  | "bot_command"
  | "bank_card"

/**
 * One span. `offset` and `length` count UTF-16 code units of the plain text (as JavaScript strings do and as
 * Telegram demands). `url` belongs to `text_url`, `language` to `pre`, `userId` (decimal) to `text_mention`,
 * `customEmojiId` (decimal) to `custom_emoji`, `collapsed` to `blockquote`.
 */
export interface TextEntity {
  readonly type: TextEntityType
  readonly offset: number
  readonly length: number
  readonly url?: string
  readonly language?: string
  readonly userId?: string
  readonly customEmojiId?: string
  readonly collapsed?: boolean
}

/** A text with its formatting. */
export interface FormattedText {
  readonly text: string
  readonly entities: ReadonlyArray<TextEntity>
}
