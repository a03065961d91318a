/**
 * Kafka's default partitioner: murmur2 of the key's bytes, sign bit cleared,
 * modulo the number of partitions. Records of one key must land in the same
 * partition whoever writes them, so this equals `Utils.murmur2` and
 * `DefaultPartitioner` of Apache Kafka bit for bit.
 */

const m = 0x5bd1e995
const seed = 0x9747b28c | 0

/** murmur2 of `data` as a signed 32-bit number, as Kafka's `Utils.murmur2` gives it. */
export const murmur2 = (data: Uint8Array): number => {
  const length = data.length
  let h = seed ^ length
  const whole = length & ~3
  for (let i = 0; i < whole; i += 4) {
    let k = data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    h = Math.imul(h, m) ^ Math.imul(k, m)
  }
  const rest = length & 3
  if (rest === 3) h ^= data[whole + 2]! << 16
  if (rest >= 2) h ^= data[whole + 1]! << 8
  if (rest >= 1) h = Math.imul(h ^ data[whole]!, m)
  h ^= h >>> 13
  h = Math.imul(h, m)
  return h ^ (h >>> 15)
}

/** Partition of a record with this key among `partitions` (≥ 1). */
export const partitionOf = (key: Uint8Array, partitions: number): number => (murmur2(key) & 0x7fffffff) % partitions
