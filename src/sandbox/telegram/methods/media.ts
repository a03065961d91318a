/** Files up and down: parts, downloads by location, and media checked the way Telegram checks pictures. */
import { Effect } from "effect"
import sharp from "sharp"
import { Api } from "telegram/tl/index.js"
import { stableNumber, type StoredFile } from "../Files.ts"
import type { Caller, MethodContext, MethodTable } from "../Method.ts"
import { refuse, type RpcRefusal } from "../RpcRefusal.ts"
import { tlMedia } from "../TlMessages.ts"
import type { TlObject } from "../TlSchema.ts"
import { writableChannelOf } from "./peers.ts"

const partMax = 512 * 1024
const photoMax = 10 * 1024 * 1024

/** A file a caller names by id, access hash and file reference. */
const knownFile = (
  context: MethodContext,
  caller: Caller,
  location: TlObject,
  missing: string
): Effect.Effect<StoredFile, RpcRefusal> => {
  const file = context.files.get(location["id"].toString())
  const hash = context.accounts.accessHash(caller.key.account, "file", file?.id ?? "")
  if (file === undefined || hash !== location["accessHash"].toString()) return Effect.fail(refuse(missing))
  const reference = Buffer.from(location["fileReference"])
  if (reference.length === 0) return Effect.fail(refuse("FILE_REFERENCE_EMPTY"))
  return reference.equals(context.files.reference())
    ? Effect.succeed(file)
    : Effect.fail(refuse("FILE_REFERENCE_EXPIRED"))
}

/** Stores uploaded bytes as a photo; refuses what Telegram refuses: too large, unreadable, too long or too thin. */
const storePhoto = Effect.fnUntraced(function* (context: MethodContext, bytes: Buffer, name: string) {
  if (bytes.length > photoMax) return yield* refuse("PHOTO_SAVE_FILE_INVALID")
  const size = yield* Effect.tryPromise({
    try: () => sharp(bytes).metadata(),
    catch: () => refuse("IMAGE_PROCESS_FAILED")
  })
  const { width, height } = size
  if (width + height > 10_000 || Math.max(width / height, height / width) > 20) {
    return yield* refuse("PHOTO_INVALID_DIMENSIONS")
  }
  return context.files.add({
    id: stableNumber("upload", context.randomBytes(8).toString("hex")),
    kind: "photo",
    name,
    mime: "image/jpeg",
    width,
    height,
    dc: context.dataCentres()[0]?.id ?? 2,
    bytes: () => Promise.resolve(bytes)
  })
})

/** The stored file of any `InputMedia` this server takes; uploads are stored by it. */
export const mediaFile = Effect.fnUntraced(function* (
  context: MethodContext,
  caller: Caller,
  media: TlObject
): Effect.fn.Return<StoredFile, RpcRefusal> {
  if (media.className === "InputMediaUploadedPhoto") {
    const file: TlObject = media["file"]
    const bytes = context.uploads.collect(caller.key.account?.id ?? "", file["id"].toString(), file["parts"])
    if (typeof bytes === "string") return yield* refuse(bytes)
    return yield* storePhoto(context, bytes, file["name"])
  }
  if (media.className === "InputMediaPhoto" || media.className === "InputMediaDocument") {
    if (media["id"]["id"] === undefined) return yield* refuse("MEDIA_EMPTY")
    return yield* knownFile(context, caller, media["id"], "MEDIA_EMPTY")
  }
  return yield* refuse("MEDIA_INVALID")
})

/** Methods of `upload`, and `messages.uploadMedia`. */
export const mediaMethods = (context: MethodContext): MethodTable => {
  const savePart = (request: TlObject, caller: Caller) =>
    Effect.suspend(() => {
      const part: number = request["filePart"]
      const bytes: Buffer = request["bytes"]
      if (part < 0 || part >= 8000) return Effect.fail(refuse("FILE_PART_INVALID"))
      if (bytes.length === 0) return Effect.fail(refuse("FILE_PART_EMPTY"))
      if (bytes.length > partMax) return Effect.fail(refuse("FILE_PART_TOO_BIG"))
      context.uploads.put(caller.key.account?.id ?? "", request["fileId"].toString(), part, bytes)
      return Effect.succeed(true)
    })
  return {
    "upload.savefilepart": savePart,
    "upload.savebigfilepart": savePart,
    "upload.getfile": Effect.fnUntraced(function* (request, caller) {
      const file = yield* knownFile(context, caller, request["location"], "LOCATION_INVALID")
      if (file.dc !== caller.dc) return yield* refuse(`FILE_MIGRATE_${file.dc}`, 303)
      const offset = Number(request["offset"])
      const limit: number = request["limit"]
      if (limit <= 0 || limit > 2 * partMax || limit % 4096 !== 0) return yield* refuse("LIMIT_INVALID")
      if (offset < 0 || offset % 4096 !== 0) return yield* refuse("OFFSET_INVALID")
      const bytes = yield* Effect.promise(file.bytes)
      const type = file.kind === "photo" ? new Api.storage.FileJpeg() : new Api.storage.FileMp4()
      return new Api.upload.File({ type, mtime: 0, bytes: bytes.subarray(offset, offset + limit) })
    }),
    "messages.uploadmedia": Effect.fnUntraced(function* (request, caller) {
      yield* writableChannelOf(context, caller, request["peer"])
      const file = yield* mediaFile(context, caller, request["media"])
      return yield* Effect.promise(() => tlMedia(caller.view, file))
    })
  }
}
