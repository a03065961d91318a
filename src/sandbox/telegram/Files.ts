/**
 * Files a sandbox server holds: media of posts and parts being uploaded. Ids are stable, file references expire
 * when told to, and access hashes differ by account as Telegram's do.
 */
import type { WorldBytes } from "./WorldModel.ts"
import { sha256 } from "./MessageCrypto.ts"

/** A stored picture or video. `bytes` draws at most once. `id` is decimal, 62 bits. */
export interface StoredFile {
  readonly id: string
  readonly kind: "photo" | "video"
  readonly name: string
  readonly mime: string
  readonly width: number
  readonly height: number
  readonly durationSeconds?: number
  readonly dc: number
  readonly bytes: () => Promise<Buffer>
}

/** A positive 62-bit number, decimal, derived from a name: the same name always gives the same number. */
export const stableNumber = (...name: ReadonlyArray<string | number>): string =>
  (sha256(Buffer.from(name.join("\u0000"))).readBigUInt64BE(0) >> 2n).toString()

/** Wraps a drawing function so that it runs once and its result is kept; a failed drawing is tried again. */
export const drawnOnce = (draw: WorldBytes): (() => Promise<Buffer>) => {
  let drawn: Promise<Buffer> | undefined
  const attempt = async (): Promise<Buffer> => {
    try {
      return Buffer.from(await draw())
    } catch (error) {
      drawn = undefined
      throw error
    }
  }
  return () => (drawn ??= attempt())
}

/** Files by id, and the generation of file references clients may still use. */
export interface Files {
  readonly add: (file: StoredFile) => StoredFile
  readonly get: (id: string) => StoredFile | undefined
  readonly reference: () => Buffer
  /** From now on every file reference handed out before is refused with FILE_REFERENCE_EXPIRED. */
  readonly expireReferences: () => void
}

export const makeFiles = (): Files => {
  const files = new Map<string, StoredFile>()
  let generation = 1
  return {
    add: (file) => {
      files.set(file.id, file)
      return file
    },
    get: (id) => files.get(id),
    reference: () => Buffer.from(`reference-${generation}`),
    expireReferences: () => {
      generation += 1
    }
  }
}

/** Parts of uploads in progress, by account and file id; the oldest uploads are forgotten beyond 64. */
export interface Uploads {
  readonly put: (account: string, fileId: string, part: number, bytes: Buffer) => void
  /** All parts in order, or why there is no file: a part is missing, or one but the last differs in size. */
  readonly collect: (account: string, fileId: string, parts: number) => Buffer | `FILE_PART${string}`
}

export const makeUploads = (): Uploads => {
  const uploads = new Map<string, Map<number, Buffer>>()
  return {
    put: (account, fileId, part, bytes) => {
      const key = `${account} ${fileId}`
      const parts = uploads.get(key) ?? new Map<number, Buffer>()
      parts.set(part, bytes)
      uploads.delete(key)
      uploads.set(key, parts)
      const oldest = uploads.keys().next().value
      if (uploads.size > 64 && oldest !== undefined) uploads.delete(oldest)
    },
    collect: (account, fileId, count) => {
      const parts = uploads.get(`${account} ${fileId}`)
      const found: Array<Buffer> = []
      for (let part = 0; part < count; part++) {
        const bytes = parts?.get(part)
        if (bytes === undefined) return `FILE_PART_${part}_MISSING`
        if (part < count - 1 && bytes.length !== parts?.get(0)?.length) return "FILE_PARTS_INVALID"
        found.push(bytes)
      }
      return Buffer.concat(found)
    }
  }
}
