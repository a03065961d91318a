/** The folders of `postroom convert`: which files in one are pictures, and what is written into the other. */
import { Data, Effect, Stream } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { Blobs } from "../services/blobs/Blobs.ts"

/** The folder cannot be read, or the other one not written. */
export class FolderRefused extends Data.TaggedError("FolderRefused")<{ readonly detail: string }> {
  override get message() {
    return this.detail
  }
}

const endings = [".jpg", ".jpeg", ".png", ".webp", ".avif", ".gif", ".tif", ".tiff", ".heic", ".heif", ".bmp", ".jp2"]
const pictures: ReadonlySet<string> = new Set(endings)

const plainly = (cause: unknown): string => {
  const { code, path: place, message } = cause as NodeJS.ErrnoException
  return code === "ENOENT" ? `there is no folder ${place}` : code === "ENOTDIR" ? `${place} is no folder` : message
}

const onDisk = <A>(call: () => A) =>
  Effect.try({ try: call, catch: (cause) => new FolderRefused({ detail: plainly(cause) }) })

/** Pictures below a folder by their names, in order; there is at least one. */
export const findPictures = Effect.fnUntraced(function* (folder: string) {
  const entries = yield* onDisk(() => fs.readdirSync(folder, { recursive: true, withFileTypes: true }))
  const files = entries
    .filter((entry) => entry.isFile() && pictures.has(path.extname(entry.name).toLowerCase()))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort()
  if (files.length === 0) return yield* new FolderRefused({ detail: `there is no picture in ${folder}` })
  return files
})

/** Makes the folder for what is written. */
export const makeOut = (folder: string) => onDisk(() => void fs.mkdirSync(folder, { recursive: true }))

/** The content of a file. */
export const contentOf = (file: string) =>
  Stream.fromAsyncIterable(
    fs.createReadStream(file) as AsyncIterable<Uint8Array>,
    (cause) => new FolderRefused({ detail: String(cause) })
  )

/** Writes a blob to `file`, which appears when it is complete: a run that is killed leaves no half of a picture. */
export const save = Effect.fnUntraced(function* (sha256: string, file: string) {
  const blobs = yield* Blobs
  const bytes = Buffer.concat(yield* Stream.runCollect(blobs.get(sha256)))
  yield* onDisk(() => {
    fs.writeFileSync(`${file}.part`, bytes)
    fs.renameSync(`${file}.part`, file)
  })
})
