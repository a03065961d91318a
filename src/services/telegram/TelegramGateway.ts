/**
 * Telegram as Postroom needs it: the port an account is read and posted through. One gateway is one account; an
 * adapter keeps at most one request in flight (media apart), never sleeps out a flood by itself, and once a call's
 * turn has come answers it within its time limit.
 */
import { Context, type Effect } from "effect"
import type { TelegramError } from "./TelegramError.ts"
import type {
  PhotoToSend,
  SendResult,
  StoredPhoto,
  TelegramAccount,
  TelegramLimits,
  TelegramMedia,
  TelegramMessage,
  TelegramPeer,
  TextToSend
} from "./TelegramMessage.ts"
import type { FormattedText } from "./TextEntity.ts"

type Call<A> = Effect.Effect<A, TelegramError>

export class TelegramGateway extends Context.Service<
  TelegramGateway,
  {
    /** The account this gateway is signed in as. */
    readonly me: Call<TelegramAccount>
    /** Length limits as the server states them; 4096 and 1024 when it does not. Never fails. */
    readonly limits: Effect.Effect<TelegramLimits>
    /** Finds a channel by user name (with or without `@`). Costly on Telegram: store the peer, call it once. */
    readonly resolve: (username: string) => Call<TelegramPeer>
    /**
     * Posts with an id above `minId`, oldest first, at most `limit` of them, read in as many pages as it takes.
     * Complete: no post between the first and the last is left out.
     */
    readonly history: (
      peer: TelegramPeer,
      range: { readonly minId: number; readonly limit: number }
    ) => Call<ReadonlyArray<TelegramMessage>>
    /** The newest `limit` posts, oldest first, read in as many pages as it takes. */
    readonly newest: (peer: TelegramPeer, limit: number) => Call<ReadonlyArray<TelegramMessage>>
    /** Posts by id, in ascending order; ids that are gone are left out. */
    readonly byIds: (peer: TelegramPeer, ids: ReadonlyArray<number>) => Call<ReadonlyArray<TelegramMessage>>
    /** The bytes of a file. `FileReferenceExpired`: read the message again and take its new media. */
    readonly download: (media: TelegramMedia) => Call<Uint8Array>
    /** Stores a photo on Telegram for posts to `peer`; it can be posted many times. At most 10 MB. */
    readonly uploadPhoto: (peer: TelegramPeer, bytes: Uint8Array, name: string) => Call<StoredPhoto>
    /** Posts a text once per random id. */
    readonly sendText: (peer: TelegramPeer, message: TextToSend) => Call<SendResult>
    /** Posts a photo once per random id. `FileReferenceExpired`: upload it again. */
    readonly sendPhoto: (peer: TelegramPeer, message: PhotoToSend) => Call<SendResult>
    /** Posts 2 to 10 photos as one album, once per random id. */
    readonly sendAlbum: (peer: TelegramPeer, items: ReadonlyArray<PhotoToSend>) => Call<SendResult>
    /** Replaces text and entities of a post; the same text again is a success. */
    readonly edit: (peer: TelegramPeer, messageId: number, text: FormattedText) => Call<void>
    /** Deletes posts; those already gone are no error. */
    readonly delete: (peer: TelegramPeer, messageIds: ReadonlyArray<number>) => Call<void>
  }
>()("postroom/services/telegram/TelegramGateway") {}
