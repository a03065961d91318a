/**
 * Telegram's error texts to Postroom's reasons, as a pure table. What the text means can depend on what was asked:
 * CHANNEL_PRIVATE ends a source when reading and forbids a target when sending.
 * Source: core.telegram.org/api/errors.
 */
import {
  AccountDead,
  AccountRestricted,
  AlreadySent,
  FileReferenceExpired,
  MediaRejected,
  RateLimited,
  Rejected,
  SourceGone,
  TargetForbidden,
  TooLong,
  Unavailable,
  type TelegramErrorReason
} from "./TelegramError.ts"

/** What the call was for: reading a source, posting to a target, or neither. */
export type CallPurpose = "read" | "send" | "account"

const dead =
  /^(?:AUTH_KEY_(?:UNREGISTERED|INVALID|DUPLICATED|PERM_EMPTY)|SESSION_(?:REVOKED|EXPIRED|PASSWORD_NEEDED)|AUTH_RESTART|USER_DEACTIVATED(?:_BAN)?|PHONE_NUMBER_BANNED|FROZEN_METHOD_INVALID|ACCESS_TOKEN_(?:EXPIRED|INVALID)|API_ID_(?:INVALID|PUBLISHED_FLOOD)|ACTIVE_USER_REQUIRED)/
const gone =
  /^(?:CHANNEL_(?:PRIVATE|INVALID|BANNED)|CHAT_(?:FORBIDDEN|ID_INVALID|INVALID)|PEER_ID_INVALID|USERNAME_(?:NOT_OCCUPIED|INVALID)|INVITE_HASH_\w+|MSG_ID_INVALID|MESSAGE_IDS?_(?:INVALID|EMPTY))/
const stale = /^(?:CHANNEL_INVALID|PEER_ID_INVALID|CHAT_ID_INVALID)/
const forbidden =
  /^(?:CHAT_(?:WRITE|RESTRICTED|ADMIN_REQUIRED|FORBIDDEN|GUEST_SEND_FORBIDDEN|SEND_\w+_FORBIDDEN|ID_INVALID)|USER_BANNED_IN_CHANNEL|USER_IS_BLOCKED|CHANNEL_(?:PRIVATE|INVALID|BANNED)|PEER_ID_INVALID|USERNAME_(?:NOT_OCCUPIED|INVALID)|MESSAGE_(?:AUTHOR_REQUIRED|DELETE_FORBIDDEN)|RIGHT_FORBIDDEN)/
const tooLong = /^(?:MESSAGE_TOO_LONG|MEDIA_CAPTION_TOO_LONG|ENTIT(?:Y|IES)_\w+|MULTI_MEDIA_TOO_LONG)/
const media = /^(?:PHOTO_\w+|IMAGE_PROCESS_FAILED|MEDIA_\w+|WEBPAGE_\w+|FILE_PARTS?_\w+|VIDEO_\w+|EXTERNAL_URL_INVALID)/
const transient =
  /^(?:INTERNAL|RPC_\w+|WORKER_BUSY_TOO_LONG_RETRY|INTERDC_\w+|TIMEOUT|HISTORY_GET_FAILED|MSG_WAIT_\w+|NEED_\w+_RETRY|CONNECTION_NOT_INITED)/i

/** Waits: FLOOD_WAIT_n and its relatives, with what they hold back. */
const wait = (text: string): RateLimited | undefined => {
  const match = /^(FLOOD_WAIT|FLOOD_TEST_PHONE_WAIT|FLOOD_PREMIUM_WAIT|SLOWMODE_WAIT|TAKEOUT_INIT_DELAY)_(\d+)/.exec(
    text
  )
  if (match === null) return undefined
  const scope = match[1] === "SLOWMODE_WAIT" ? "chat" : match[1] === "FLOOD_PREMIUM_WAIT" ? "transfer" : "method"
  return new RateLimited({ seconds: Number(match[2]), scope, text })
}

/**
 * The reason behind an `rpc_error` (or a transport code such as -404, with an empty text). Total: what is not known
 * is `Unavailable` for codes 500 and above and below 0, `Rejected` otherwise.
 */
export const fromRpcError = (
  error: { readonly code: number; readonly text: string },
  purpose: CallPurpose
): TelegramErrorReason => {
  const { code, text } = error
  const fields = { code, text }
  const limited = wait(text)
  if (limited !== undefined) return limited
  if (text === "RANDOM_ID_DUPLICATE") return new AlreadySent({ text })
  if (code === -404 || dead.test(text)) {
    return new AccountDead({ ...fields, duplicated: text.startsWith("AUTH_KEY_DUPLICATED") })
  }
  if (text === "PEER_FLOOD" || text === "USER_RESTRICTED") return new AccountRestricted(fields)
  if (/^FILE_REFERENCE_|^FILEREF_/.test(text)) return new FileReferenceExpired(fields)
  if (purpose === "send" && forbidden.test(text)) return new TargetForbidden(fields)
  if (gone.test(text)) return new SourceGone({ ...fields, resolveAgain: stale.test(text) })
  if (forbidden.test(text)) return new SourceGone({ ...fields, resolveAgain: false })
  if (tooLong.test(text)) return new TooLong(fields)
  if (transient.test(text) || code >= 500 || code < 0)
    return new Unavailable({ text: text === "" ? String(code) : text })
  if (media.test(text)) return new MediaRejected(fields)
  return new Rejected(fields)
}
