/**
 * The random ids that make publishing once: derived from what is published, never drawn, so that every attempt, in
 * whatever process, sends the same one.
 */
import { createHash } from "node:crypto"

/**
 * The random id of one item of one part that a task posts to a target: the first 63 bits of a SHA-256, decimal,
 * never 0 (Telegram refuses 0). `part` and `item` count from 0: a long post is several parts, an album several items.
 */
export const randomIdOf = (taskId: string, target: string, part: number, item: number): string => {
  const name = JSON.stringify(["publish", taskId, target, part, item])
  const bits = createHash("sha256").update(name).digest().readBigUInt64BE(0) >> 1n
  return (bits === 0n ? 1n : bits).toString()
}
