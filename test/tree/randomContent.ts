/** Commands about content drawn by chance, and the blobs that they name: most are in the store, one is not. */
import { Effect } from "effect"
import { createHash } from "node:crypto"
import type { Attachment } from "../../src/domain/tree/Attachment.ts"
import type { StoredContent } from "../../src/domain/tree/ContentCommand.ts"
import type { Command } from "../../src/domain/tree/TreeCommand.ts"
import { Blobs } from "../../src/services/blobs/Blobs.ts"
import type { NaiveItem } from "./NaiveItem.ts"

const hashOf = (text: string) => createHash("sha256").update(text).digest("hex")

const pictures = ["a cat", "a dog", "the sea"]
const text = "a letter"
const previewOf = (sha256: string) => `preview of ${sha256}`
const thumbnailOf = (sha256: string) => `thumbnail of ${sha256}`

const pictureOf = (picture: string): StoredContent => ({
  kind: "stored",
  sha256: hashOf(picture),
  size: picture.length,
  type: "image/jpeg"
})

/** Two pictures that are in the store. */
export const pictureContents = [pictureOf(pictures[0]!), pictureOf(pictures[1]!)] as const

const contents: ReadonlyArray<StoredContent> = [
  ...pictures.map(pictureOf),
  { kind: "stored", sha256: hashOf(text), size: text.length, type: "text/plain" }
]
const lostContent: StoredContent = { kind: "stored", sha256: hashOf("lost"), size: 4, type: "image/png" }

const derivedTexts = pictures.map(hashOf).flatMap((sha256) => [previewOf(sha256), thumbnailOf(sha256)])

/** The hashes of everything that is in the store. */
export const storedHashes: ReadonlySet<string> = new Set([...pictures, text, ...derivedTexts].map(hashOf))

/** Fills the store with what commands name. */
export const fillStore = Effect.gen(function* () {
  const blobs = yield* Blobs
  for (const one of [...pictures, text, ...derivedTexts]) yield* blobs.put(Buffer.from(one))
})

const derived = (bytes: string) => ({
  sha256: hashOf(bytes),
  size: bytes.length,
  width: 4,
  height: 3,
  format: "jpeg"
})

/** What a converter would make of a picture. */
export const madeOf = (sha256: string): Attachment => ({
  kind: "converted",
  preview: derived(previewOf(sha256)),
  thumbnail: derived(thumbnailOf(sha256)),
  width: 40,
  height: 30,
  thumbhash: "AAAA",
  degraded: null,
  exif: { make: "a camera" }
})

interface Draw {
  readonly chance: () => number
  readonly pick: <A>(list: ReadonlyArray<A>) => A
  /** An item of the owner, mostly; may be none. */
  readonly item: () => NaiveItem | undefined
  /** An item of anybody. */
  readonly any: () => NaiveItem | undefined
  readonly place: () => string | null
}

const nobody = "00000000-0000-4000-8000-000000000000"

/** A command about content. */
export const drawContent = ({ chance, pick, item, any, place }: Draw): Command => {
  const content = () =>
    chance() < 0.04
      ? lostContent
      : chance() < 0.8
        ? pick(contents)
        : { kind: "remote" as const, url: "https://example.org/picture.jpg" }
  const one = item()
  const id = one?.id ?? nobody
  // Mostly of the newest content, now and then of one before.
  const gen = Math.max(1, (one?.content?.gen ?? 1) - (chance() < 0.2 ? 1 : 0))
  const dice = chance()
  if (dice < 0.35)
    return { kind: "upload", parent: place(), name: "a file.jpg", tags: [], viewers: null, content: content() }
  if (dice < 0.45) return { kind: "setContent", item: id, content: content() }
  if (dice < 0.55) {
    const found = pick([...contents, lostContent])
    const failed = { kind: "failed" as const, reason: "Refused", message: "no" }
    return { kind: "fetched", item: id, gen, content: chance() < 0.7 ? found : failed }
  }
  if (dice < 0.75) {
    const sha256 = one?.content?.blobs["content"] ?? contents[0]!.sha256
    const attachment: Attachment =
      chance() < 0.8 ? madeOf(sha256) : { kind: "failed", reason: "Corrupt", message: "the file is damaged" }
    return { kind: "attach", item: id, gen, sha256, attachment }
  }
  if (dice < 0.84) return { kind: "copyContent", item: id, from: any()?.id ?? nobody }
  if (dice < 0.94) return { kind: "copy", item: any()?.id ?? nobody, parent: place() }
  return { kind: "purge", item: id }
}
