/**
 * The world a sandbox Telegram server starts from: plain data, no behaviour, so that a demo world can be written
 * by hand or generated. Everything the server adds at run time (access hashes, file references, sent posts) is
 * its own business and does not show here.
 */
import type { TextEntity } from "../../services/telegram/TextEntity.ts"

/** Bytes of a file, drawn only when a client asks for them; called at most once per file and kept. */
export type WorldBytes = () => Promise<Uint8Array> | Uint8Array

/** A picture of a post. `width` and `height` are pixels of the stored file. */
export interface WorldPhoto {
  readonly bytes: WorldBytes
  readonly width: number
  readonly height: number
  readonly name: string
}

/** A video of a post; `mime` defaults to `video/mp4`. */
export interface WorldVideo {
  readonly bytes: WorldBytes
  readonly width: number
  readonly height: number
  readonly durationSeconds: number
  readonly name: string
  readonly mime?: string
}

/** Where a forwarded post came from. */
export interface WorldForward {
  readonly channelId: string
  readonly postId: number
  /** Seconds since the epoch. */
  readonly date: number
}

/**
 * One post. `id` is unique in its channel and grows; `date` and `editDate` are whole seconds since the epoch.
 * Posts with the same `groupedId` (decimal, up to 63 bits) on consecutive ids form an album. With a photo or a
 * video the text is its caption.
 */
export interface WorldPost {
  readonly id: number
  readonly date: number
  readonly text: string
  readonly entities?: ReadonlyArray<TextEntity>
  readonly photo?: WorldPhoto
  readonly video?: WorldVideo
  readonly groupedId?: string
  readonly editDate?: number
  readonly forward?: WorldForward
  readonly noForwards?: boolean
  /** A service message ("channel created"): has no text for a reader. */
  readonly service?: boolean
}

/** A post added at run time: the server gives the id (the next one) and the date (now) when they are left out. */
export type NewWorldPost = Omit<WorldPost, "id" | "date"> & { readonly id?: number; readonly date?: number }

/**
 * One channel. `id` is decimal and without the `-100` of the Bot API. A `source` is read by everyone and refuses
 * posts with `CHAT_WRITE_FORBIDDEN`; a `target` accepts them. `username` has at least 5 characters.
 */
export interface WorldChannel {
  readonly id: string
  readonly username: string
  readonly title: string
  readonly kind: "source" | "target"
  readonly noForwards?: boolean
  readonly posts?: ReadonlyArray<WorldPost>
}

/** An account of the sandbox; it signs in by `botToken` or by a session the server mints for it. */
export interface WorldAccount {
  /** Decimal user id. */
  readonly id: string
  readonly username: string
  readonly firstName: string
  readonly botToken?: string
}

/** Everything the server knows when it starts. Without `accounts` it has one, `postroom_bot`. */
export interface WorldModel {
  readonly channels: ReadonlyArray<WorldChannel>
  readonly accounts?: ReadonlyArray<WorldAccount>
}
