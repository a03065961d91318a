/** Failures inside the child process that decodes, in the form in which they leave it. */
import type { FailedReason } from "./Job.ts"

/** A failure that is told to the user, thrown within the child only. */
export class DecodeFailure extends Error {
  readonly reason: FailedReason
  constructor(reason: FailedReason) {
    super(reason.detail)
    this.reason = reason
  }
}

/** What a failure inside the child means, told by the decoder's words or the system's errno. */
export const reasonOf = (cause: unknown): FailedReason => {
  if (cause instanceof DecodeFailure) return cause.reason
  const message = cause instanceof Error ? cause.message : String(cause)
  const detail = message.split("\n", 1)[0]?.slice(0, 300) ?? ""
  if (/pixel limit/.test(message)) return { _tag: "LimitExceeded", limit: "pixels", detail }
  if (/channel limit/.test(message)) return { _tag: "LimitExceeded", limit: "channels", detail }
  if (/unsupported image format|not a known file format|operation is blocked|No decoding plugin/.test(message)) {
    return { _tag: "UnsupportedFormat", detail }
  }
  if (/timeout: \d+% complete/.test(message)) return { _tag: "Timeout", detail }
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
  if (typeof code === "string" || /Input file is missing|No space left|system error/.test(message)) {
    return { _tag: "StorageError", detail }
  }
  return { _tag: "Corrupt", detail }
}
