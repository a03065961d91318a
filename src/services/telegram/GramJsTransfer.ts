/** Files between Postroom and Telegram, part by part, each part with its own time limit. */
import { createHash } from "node:crypto"
import { Effect } from "effect"
import { returnBigInt } from "telegram/Helpers.js"
import { Api } from "telegram/tl/index.js"
import type { GramJsAccount } from "./GramJsAccount.ts"
import { MediaRejected, TelegramError } from "./TelegramError.ts"
import type { StoredPhoto, TelegramMedia } from "./TelegramMessage.ts"

const partSize = 512 * 1024
const photoMax = 10 * 1024 * 1024

const locationOf = (media: TelegramMedia): Api.TypeInputFileLocation => {
  const fields = {
    id: returnBigInt(media.id),
    accessHash: returnBigInt(media.accessHash),
    fileReference: Buffer.from(media.fileReference, "base64"),
    thumbSize: media.thumbSize ?? ""
  }
  return media.kind === "photo" ? new Api.InputPhotoFileLocation(fields) : new Api.InputDocumentFileLocation(fields)
}

/** Downloads a file from the data centre that keeps it, following one FILE_MIGRATE. `timeout` is per part. */
export const downloadFile = Effect.fnUntraced(function* (
  account: GramJsAccount,
  media: TelegramMedia,
  timeout: number
): Effect.fn.Return<Uint8Array, TelegramError> {
  const kind = { operation: "download", purpose: "read", timeout, media: true } as const
  const parts: Array<Buffer> = []
  let dc = media.dcId
  let offset = 0
  for (;;) {
    const request = () =>
      new Api.upload.GetFile({ location: locationOf(media), offset: returnBigInt(offset), limit: partSize })
    const ask = (at: number) =>
      at === account.dc() || at === 0 ? account.call(kind, request) : account.callAt(at, kind, request)
    const file = yield* ask(dc).pipe(
      Effect.catch((error) => {
        const moved = error.reason._tag === "Rejected" ? /^FILE_MIGRATE_(\d+)/.exec(error.reason.text) : null
        if (moved === null || Number(moved[1]) === dc) return Effect.fail(error)
        dc = Number(moved[1])
        return ask(dc)
      })
    )
    if (!(file instanceof Api.upload.File)) {
      const reason = new MediaRejected({ code: 0, text: "the file is on a content network" })
      return yield* new TelegramError({ operation: "download", reason })
    }
    parts.push(file.bytes)
    offset += file.bytes.length
    if (file.bytes.length < partSize) return Buffer.concat(parts)
  }
})

/**
 * Uploads a photo and has Telegram store it. The upload's id comes from its content, so that parts sent again after
 * a lost link fall on the same upload. `timeout` is per part.
 */
export const uploadStoredPhoto = Effect.fnUntraced(function* (
  account: GramJsAccount,
  peer: Api.TypeInputPeer,
  bytes: Uint8Array,
  name: string,
  timeout: number
): Effect.fn.Return<StoredPhoto, TelegramError> {
  const rejected = (text: string) =>
    new TelegramError({ operation: "uploadPhoto", reason: new MediaRejected({ code: 0, text }) })
  if (bytes.length === 0 || bytes.length > photoMax) return yield* rejected(`a photo of ${bytes.length} bytes`)
  const kind = { operation: "uploadPhoto", purpose: "send", timeout, media: true } as const
  const fileId = returnBigInt(createHash("sha256").update(bytes).digest().readBigUInt64BE(0) >> 1n)
  const parts = Math.ceil(bytes.length / partSize)
  yield* Effect.forEach(
    Array.from({ length: parts }, (_, part) => part),
    (filePart) =>
      account.call(kind, () => {
        const part = Buffer.from(bytes.subarray(filePart * partSize, (filePart + 1) * partSize))
        return new Api.upload.SaveFilePart({ fileId, filePart, bytes: part })
      }),
    // In order: a server may take the size of all parts from the one that arrives first.
    { discard: true }
  )
  const file = new Api.InputFile({ id: fileId, parts, name, md5Checksum: "" })
  const stored = yield* account.call(
    kind,
    () => new Api.messages.UploadMedia({ peer, media: new Api.InputMediaUploadedPhoto({ file }) })
  )
  const photo = stored instanceof Api.MessageMediaPhoto ? stored.photo : undefined
  if (!(photo instanceof Api.Photo)) return yield* rejected("Telegram stored no photo")
  return {
    id: photo.id.toString(),
    accessHash: photo.accessHash.toString(),
    fileReference: Buffer.from(photo.fileReference).toString("base64")
  }
})
