/** What a reading of a source finds, whatever kind of source it is, and where the next one starts. */
import type { Effect } from "effect"
import type { TelegramGateway } from "../../services/telegram/TelegramGateway.ts"
import type { TelegramPeer } from "../../services/telegram/TelegramMessage.ts"
import type { TextEntity } from "../../services/telegram/TextEntity.ts"
import type { SafeFetch } from "../../services/web/SafeFetch.ts"

/** Where the reading of a source stands. JSON. */
export interface Cursor {
  /** Highest message id that was read. */
  readonly lastId?: number
  /** Ids of the entries the feed had at the last reading. */
  readonly seen?: ReadonlyArray<string>
  readonly etag?: string
  readonly lastModified?: string
  readonly peer?: TelegramPeer
}

/** A picture that can be had. */
export interface FoundImage {
  /** Equal for the same picture wherever it was posted, as far as the source says. */
  readonly id: string
  readonly mime: string
  readonly bytes: Effect.Effect<Uint8Array, unknown, TelegramGateway | SafeFetch>
}

export interface FoundPost {
  readonly id: string
  readonly title: string
  readonly url: string | null
  readonly publishedAt: number
  readonly text: string
  readonly spans: ReadonlyArray<TextEntity>
  readonly images: ReadonlyArray<FoundImage>
  /** Why the source says that it may not be used. */
  readonly refused: string | null
}

export interface Found {
  readonly posts: ReadonlyArray<FoundPost>
  readonly cursor: Cursor
}
