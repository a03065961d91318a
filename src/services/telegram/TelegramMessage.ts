/** What Postroom reads from and writes to Telegram, as plain data that survives JSON. */
import type { TextEntity } from "./TextEntity.ts"

/**
 * A channel as one account sees it. Ids are decimal strings of 64-bit numbers; `accessHash` belongs to the account
 * that resolved it and is useless to any other.
 */
export interface TelegramPeer {
  readonly channelId: string
  readonly accessHash: string
  readonly username?: string
  readonly title: string
  /** The owner forbids copying its posts. */
  readonly noForwards?: boolean
}

/** The signed-in account. */
export interface TelegramAccount {
  readonly id: string
  readonly username?: string
  readonly firstName: string
  readonly bot: boolean
}

/** UTF-16 units a text and a caption may have. */
export interface TelegramLimits {
  readonly messageLengthMax: number
  readonly captionLengthMax: number
}

/**
 * A file on Telegram. `id` is equal wherever the file was forwarded. `fileReference` (base64) expires: then the
 * message must be read again. `size` is bytes, `width` and `height` pixels; `dcId` is where the file is kept.
 */
export interface TelegramMedia {
  readonly kind: "photo" | "video" | "document"
  readonly id: string
  readonly accessHash: string
  readonly fileReference: string
  readonly dcId: number
  readonly size: number
  readonly mime: string
  readonly width?: number
  readonly height?: number
  /** The size of a photo to download, in Telegram's one-letter names. */
  readonly thumbSize?: string
}

/** Where a forwarded post came from. */
export interface TelegramForward {
  readonly channelId?: string
  readonly messageId?: number
  readonly name?: string
  /** Seconds since the epoch. */
  readonly date: number
}

/** One post. `date` and `editDate` are seconds since the epoch; posts of an album share `groupedId`. */
export interface TelegramMessage {
  readonly id: number
  readonly date: number
  readonly editDate?: number
  readonly text: string
  readonly entities: ReadonlyArray<TextEntity>
  readonly groupedId?: string
  readonly media?: TelegramMedia
  readonly forward?: TelegramForward
  readonly replyTo?: number
  readonly noForwards?: boolean
  /** A service message ("channel created"); it has no text. */
  readonly service?: boolean
}

/** A photo stored on Telegram by this account, ready to be posted any number of times. */
export interface StoredPhoto {
  readonly id: string
  readonly accessHash: string
  readonly fileReference: string
}

/** A text to post. `randomId` (decimal int64) makes it once: the same id never posts twice. */
export interface TextToSend {
  readonly randomId: string
  readonly text: string
  readonly entities?: ReadonlyArray<TextEntity>
  readonly replyTo?: number
  readonly silent?: boolean
  /** Show a preview of the first link; true when left out. */
  readonly linkPreview?: boolean
}

/** A photo to post, with its caption. */
export interface PhotoToSend {
  readonly randomId: string
  readonly photo: StoredPhoto
  readonly caption?: string
  readonly entities?: ReadonlyArray<TextEntity>
  readonly replyTo?: number
  readonly silent?: boolean
}

/**
 * The result of a send. `duplicate`: Telegram had already executed this random id, nothing was posted now.
 * `messageIds` is in the order of the items; it is empty when Telegram only said "duplicate" and the message is no
 * longer among the newest hundred.
 */
export interface SendResult {
  readonly messageIds: ReadonlyArray<number>
  readonly duplicate: boolean
}
