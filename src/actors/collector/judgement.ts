/**
 * Whether a found post goes on: not an advertisement, and not a story this
 * user has had already. What was seen is remembered for a week, shortened, as
 * JSON in the user's state.
 */
import { adVerdict } from "../../domain/content/adRules.ts"
import { compareFingerprints, fingerprint } from "../../domain/content/textFingerprint.ts"
import type { TextFingerprint } from "../../domain/content/textFingerprint.ts"

/** A post that was seen, as it is remembered. */
export interface Remembered {
  readonly id: string
  readonly at: number
  readonly text: string
  readonly hash: string
  readonly sim: string
}

export type Verdict =
  | { readonly kind: "new"; readonly memory: Remembered }
  | { readonly kind: "ad"; readonly reason: string }
  | { readonly kind: "duplicate"; readonly reason: string; readonly of: string }
  | { readonly kind: "empty"; readonly reason: string }

const rememberedMs = 7 * 24 * 3_600_000
const mostRemembered = 400
const longestText = 1_500

/** What is still worth remembering at `now`. */
export const stillKnown = (memory: ReadonlyArray<Remembered>, now: number): ReadonlyArray<Remembered> =>
  memory.filter((post) => post.at > now - rememberedMs).slice(-mostRemembered)

const printOf = (post: Remembered): TextFingerprint => ({
  text: post.text,
  contentHash: post.hash,
  simHash: BigInt(`0x${post.sim}`)
})

/** Judges one post against what the user has seen. */
export const judge = (
  post: { readonly id: string; readonly text: string; readonly mediaIds: ReadonlyArray<string> },
  known: ReadonlyArray<Remembered>,
  now: number
): Verdict => {
  if (post.text.trim() === "" && post.mediaIds.length === 0)
    return { kind: "empty", reason: "it has neither text nor pictures" }
  const ad = adVerdict(post.text)
  if (ad.isAd) {
    return { kind: "ad", reason: `advertising: ${ad.marks.map((mark) => `${mark.rule} (${mark.match})`).join(", ")}` }
  }
  const print = fingerprint(post.text, post.mediaIds)
  const memory: Remembered = {
    id: post.id,
    at: now,
    text: print.text.slice(0, longestText),
    hash: print.contentHash,
    sim: print.simHash.toString(16)
  }
  for (const other of known) {
    const likeness = compareFingerprints(printOf(memory), printOf(other))
    if (likeness.verdict === "same" || likeness.verdict === "near") {
      const share = Math.round(likeness.similarity * 100)
      return { kind: "duplicate", reason: `the same story as ${other.id} (${share} % alike)`, of: other.id }
    }
  }
  return { kind: "new", memory }
}
