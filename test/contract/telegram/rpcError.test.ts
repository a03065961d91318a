import { assert, describe, it } from "@effect/vitest"
import { fromRpcError, type CallPurpose } from "../../../src/services/telegram/rpcError.ts"

const reason = (text: string, code = 400, purpose: CallPurpose = "read") => fromRpcError({ code, text }, purpose)

describe("Telegram's error texts", () => {
  it("waits carry their seconds and what they hold back", () => {
    for (const [text, seconds, scope] of [
      ["FLOOD_WAIT_3", 3, "method"],
      ["FLOOD_WAIT_77849", 77_849, "method"],
      ["FLOOD_TEST_PHONE_WAIT_5", 5, "method"],
      ["FLOOD_PREMIUM_WAIT_9", 9, "transfer"],
      ["SLOWMODE_WAIT_60", 60, "chat"]
    ] as const) {
      const found = reason(text, 420, "send")
      assert.isTrue(found._tag === "RateLimited" && found.seconds === seconds && found.scope === scope, text)
      assert.isTrue(found.isRetryable)
    }
  })

  const families: ReadonlyArray<
    readonly [tag: string, retryable: boolean, purpose: CallPurpose, texts: ReadonlyArray<string>]
  > = [
    [
      "Unavailable",
      true,
      "send",
      [
        "INTERNAL",
        "RPC_CALL_FAIL",
        "RPC_MCGET_FAIL",
        "WORKER_BUSY_TOO_LONG_RETRY",
        "INTERDC_2_CALL_ERROR",
        "Timeout",
        "HISTORY_GET_FAILED",
        "MSG_WAIT_FAILED"
      ]
    ],
    ["AlreadySent", false, "send", ["RANDOM_ID_DUPLICATE"]],
    [
      "AccountDead",
      false,
      "read",
      [
        "AUTH_KEY_UNREGISTERED",
        "AUTH_KEY_INVALID",
        "SESSION_REVOKED",
        "SESSION_EXPIRED",
        "AUTH_KEY_DUPLICATED",
        "USER_DEACTIVATED",
        "USER_DEACTIVATED_BAN",
        "PHONE_NUMBER_BANNED",
        "FROZEN_METHOD_INVALID",
        "ACCESS_TOKEN_EXPIRED",
        "ACCESS_TOKEN_INVALID",
        "API_ID_INVALID",
        "API_ID_PUBLISHED_FLOOD",
        "SESSION_PASSWORD_NEEDED",
        "AUTH_RESTART"
      ]
    ],
    ["AccountRestricted", false, "send", ["PEER_FLOOD"]],
    [
      "SourceGone",
      false,
      "read",
      [
        "CHANNEL_PRIVATE",
        "CHANNEL_INVALID",
        "CHAT_FORBIDDEN",
        "USERNAME_NOT_OCCUPIED",
        "USERNAME_INVALID",
        "INVITE_HASH_EXPIRED",
        "MESSAGE_ID_INVALID",
        "MESSAGE_IDS_EMPTY",
        "PEER_ID_INVALID"
      ]
    ],
    [
      "TargetForbidden",
      false,
      "send",
      [
        "CHAT_WRITE_FORBIDDEN",
        "CHAT_ADMIN_REQUIRED",
        "USER_BANNED_IN_CHANNEL",
        "CHANNEL_PRIVATE",
        "CHAT_SEND_MEDIA_FORBIDDEN",
        "CHAT_SEND_PHOTOS_FORBIDDEN",
        "CHAT_RESTRICTED",
        "CHAT_GUEST_SEND_FORBIDDEN"
      ]
    ],
    [
      "TooLong",
      false,
      "send",
      ["MESSAGE_TOO_LONG", "MEDIA_CAPTION_TOO_LONG", "ENTITY_BOUNDS_INVALID", "ENTITIES_TOO_LONG"]
    ],
    [
      "MediaRejected",
      false,
      "send",
      [
        "PHOTO_INVALID_DIMENSIONS",
        "PHOTO_SAVE_FILE_INVALID",
        "IMAGE_PROCESS_FAILED",
        "MEDIA_INVALID",
        "WEBPAGE_CURL_FAILED",
        "FILE_PART_3_MISSING",
        "FILE_PARTS_INVALID"
      ]
    ],
    [
      "FileReferenceExpired",
      false,
      "read",
      ["FILE_REFERENCE_EXPIRED", "FILE_REFERENCE_INVALID", "FILEREF_UPGRADE_NEEDED"]
    ],
    ["Rejected", false, "send", ["METHOD_INVALID", "INPUT_FETCH_ERROR", "CONNECTION_LAYER_INVALID", "SOMETHING_NEW"]]
  ]
  for (const [tag, retryable, purpose, texts] of families) {
    it(`${texts.length} texts mean ${tag}`, () => {
      for (const text of texts) {
        const found = reason(text, 400, purpose)
        assert.strictEqual(found._tag, tag, text)
        assert.strictEqual(found.isRetryable, retryable, text)
        assert.strictEqual(found.text, text)
      }
    })
  }

  it("the same text ends a source when reading and forbids a target when sending", () => {
    assert.strictEqual(reason("CHANNEL_PRIVATE")._tag, "SourceGone")
    assert.strictEqual(reason("CHANNEL_PRIVATE", 400, "send")._tag, "TargetForbidden")
  })

  it("only a stale access hash asks to be resolved again", () => {
    const again = (text: string) => {
      const found = reason(text)
      return found._tag === "SourceGone" && found.resolveAgain
    }
    assert.isTrue(again("CHANNEL_INVALID"))
    assert.isFalse(again("USERNAME_NOT_OCCUPIED"))
  })

  it("a key used from two places is told apart from other dead accounts", () => {
    const duplicated = reason("AUTH_KEY_DUPLICATED", 406)
    assert.isTrue(duplicated._tag === "AccountDead" && duplicated.duplicated)
    const unknownKey = reason("", -404)
    assert.isTrue(unknownKey._tag === "AccountDead" && !unknownKey.duplicated)
  })

  it("an unknown text is retryable exactly when its code says the server failed", () => {
    assert.strictEqual(reason("BRAND_NEW", 503)._tag, "Unavailable")
    assert.strictEqual(reason("", -429)._tag, "Unavailable")
    assert.strictEqual(reason("BRAND_NEW", 403)._tag, "Rejected")
  })
})
