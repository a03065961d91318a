/**
 * Tells whether two posts tell the same story in nearly the same words, from a few bytes kept per
 * post: an exact hash, a 64-bit SimHash, and the set of character trigrams when it comes to the proof.
 */
import { createHash } from "node:crypto"
import { normaliseText } from "./normaliseText.ts"

/** What is kept of a post for comparison. */
export interface TextFingerprint {
  /** Normalised text, see {@link normaliseText}. */
  readonly text: string
  /** sha256 (hex) of the text, together with the media when the text alone says too little. */
  readonly contentHash: string
  /** 64 bits over three-word shingles. */
  readonly simHash: bigint
}

/** Shorter texts (in characters) are only the same with the same media: "Good morning!" is not a story. */
export const shortTextLength = 40

/** Largest Hamming distance of SimHashes at which two texts are looked at more closely. */
export const simHashDistanceLimit = 12

/** Least trigram similarity of a duplicate, once the SimHashes are close. */
export const nearDuplicateSimilarity = 0.6

/**
 * Least trigram similarity of a duplicate whatever the SimHashes say: in a text of a few dozen words
 * three changed words touch a tenth of the shingles, which is enough to push SimHashes apart.
 */
export const surelyDuplicateSimilarity = 0.72

/** Fewest characters of a text that may be judged by likeness rather than by equality. */
const comparableLength = 80

const mix = (hash: number, code: number) => Math.imul(hash ^ code, 0x01000193)

/** Two independent 32-bit FNV-1a hashes with a final avalanche, as the two halves of 64 bits. */
const hash64 = (text: string): readonly [number, number] => {
  let [a, b] = [0x811c9dc5, 0x9747b28c]
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    a = mix(a, code)
    b = mix(b, code + 0x9e37)
  }
  const avalanche = (h: number) => {
    const x = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
    const y = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
    return (y ^ (y >>> 16)) >>> 0
  }
  return [avalanche(a), avalanche(b)]
}

const shinglesOf = (normalised: string): ReadonlyArray<string> => {
  const words = normalised.split(" ")
  return words.length < 3 ? [normalised] : words.slice(2).map((word, i) => `${words[i]} ${words[i + 1]} ${word}`)
}

/** 64-bit SimHash over the three-word shingles of a normalised text (Charikar 2002); 0 for an empty text. */
export const simHash64 = (normalised: string): bigint => {
  if (normalised === "") return 0n
  const votes = new Int32Array(64)
  for (const shingle of shinglesOf(normalised)) {
    const [low, high] = hash64(shingle)
    for (let bit = 0; bit < 32; bit++) {
      votes[bit] = (votes[bit] ?? 0) + ((low >>> bit) & 1 ? 1 : -1)
      votes[bit + 32] = (votes[bit + 32] ?? 0) + ((high >>> bit) & 1 ? 1 : -1)
    }
  }
  return votes.reduce((hash, vote, bit) => (vote > 0 ? hash | (1n << BigInt(bit)) : hash), 0n)
}

/** Number of bits in which two hashes differ, 0–64. */
export const hammingDistance = (a: bigint, b: bigint): number => {
  let difference = a ^ b
  let count = 0
  while (difference !== 0n) {
    difference &= difference - 1n
    count++
  }
  return count
}

const trigramsOf = (normalised: string): ReadonlySet<string> => {
  const trigrams = new Set<string>()
  for (let i = 0; i + 3 <= normalised.length; i++) trigrams.add(normalised.slice(i, i + 3))
  return trigrams
}

/** Jaccard similarity of the character trigrams of two normalised texts, 0–1. */
export const trigramSimilarity = (a: string, b: string): number => {
  const [left, right] = [trigramsOf(a), trigramsOf(b)]
  if (left.size === 0 && right.size === 0) return a === b ? 1 : 0
  const shared = [...left].filter((trigram) => right.has(trigram)).length
  return shared / (left.size + right.size - shared)
}

/** The fingerprint of a post. `mediaIds` are ids or content hashes of its media, in any order. */
export const fingerprint = (
  text: string,
  mediaIds: ReadonlyArray<string> = [],
  boilerplate?: ReadonlySet<string>
): TextFingerprint => {
  const normalised = normaliseText(text, boilerplate)
  const media = normalised.length < shortTextLength ? `\n${mediaIds.toSorted().join("\n")}` : ""
  return {
    text: normalised,
    contentHash: createHash("sha256").update(`${normalised}${media}`).digest("hex"),
    simHash: simHash64(normalised)
  }
}

/**
 * How two posts relate; `similarity` is of character trigrams, `distance` of SimHashes. `possible`
 * are texts of one mould with other figures (tables, weather, rates): for a person to decide, not to drop.
 */
export interface Likeness {
  readonly verdict: "same" | "near" | "possible" | "different"
  readonly similarity: number
  readonly distance: number
}

/** Whether at least half of the figures two texts name are the same ones. */
const agreeInFigures = (a: string, b: string): boolean => {
  const [left, right] = [new Set(a.match(/\p{N}+/gu)), new Set(b.match(/\p{N}+/gu))]
  const shared = left.intersection(right).size
  return shared * 2 >= left.size + right.size - shared
}

/** Compares two fingerprints. The cheap SimHash is asked first; the proof is the trigram similarity. */
export const compareFingerprints = (a: TextFingerprint, b: TextFingerprint): Likeness => {
  const distance = hammingDistance(a.simHash, b.simHash)
  if (a.contentHash === b.contentHash) return { verdict: "same", similarity: 1, distance }
  const ratio = Math.min(a.text.length, b.text.length) / Math.max(a.text.length, b.text.length, 1)
  if (Math.min(a.text.length, b.text.length) < comparableLength || ratio < nearDuplicateSimilarity / 2)
    return { verdict: "different", similarity: 0, distance }
  const similarity = trigramSimilarity(a.text, b.text)
  const near =
    (distance <= simHashDistanceLimit && similarity >= nearDuplicateSimilarity) ||
    similarity >= surelyDuplicateSimilarity
  const verdict = !near ? "different" : agreeInFigures(a.text, b.text) ? "near" : "possible"
  return { verdict, similarity, distance }
}
