/**
 * A token bucket: `count` starts per `perMs`, saved up to `count`. Plain data,
 * the caller brings the time.
 */

export interface Rate {
  readonly count: number
  readonly perMs: number
}

export interface Bucket {
  readonly rate: Rate
  tokens: number
  at: number
}

export const make = (rate: Rate, now: number): Bucket => ({ rate, tokens: rate.count, at: now })

const refill = (bucket: Bucket, now: number): void => {
  // A clock that went back gives nothing and takes nothing.
  const passed = Math.max(0, now - bucket.at)
  bucket.tokens = Math.min(bucket.rate.count, bucket.tokens + (passed * bucket.rate.count) / bucket.rate.perMs)
  bucket.at = now
}

/** Milliseconds until a token is there; 0 when one is. */
export const waitOf = (bucket: Bucket, now: number): number => {
  refill(bucket, now)
  return bucket.tokens >= 1 ? 0 : Math.ceil(((1 - bucket.tokens) * bucket.rate.perMs) / bucket.rate.count)
}

/** Takes a token; call only when `waitOf` is 0. */
export const spend = (bucket: Bucket): void => {
  bucket.tokens -= 1
}
