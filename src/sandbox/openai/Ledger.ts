/**
 * The append-only record of what reached a sandbox server and how each request ended. Tests read it
 * to count calls and wait on it instead of sleeping.
 */
import { Effect } from "effect"

/** One line: a request arrived, was answered, or was dropped by one of the two sides. */
export interface LedgerEntry {
  readonly seq: number
  readonly kind: "arrived" | "answered" | "dropped"
  /** Number of the request this line is about. */
  readonly request: number
  readonly route: string
  /** sha256 (hex) of the request body; equal bodies have equal hashes. */
  readonly requestHash: string
  /** HTTP status, on `answered`. */
  readonly status?: number
  /** Who ended the connection early, on `dropped`. */
  readonly by?: "client" | "sandbox"
  /** The scripted fault that shaped the answer, if one did. */
  readonly fault?: string
  /** The decoded JSON body, on `arrived`, when there was one. */
  readonly body?: unknown
}

/** A ledger: append, read, wait. */
export interface Ledger {
  readonly append: (entry: Omit<LedgerEntry, "seq">) => void
  /** All lines so far, oldest first. */
  readonly entries: () => ReadonlyArray<LedgerEntry>
  /** Completes with the first line, past or future, that satisfies the predicate. */
  readonly waitFor: (predicate: (entry: LedgerEntry) => boolean) => Effect.Effect<LedgerEntry>
}

/** An empty ledger. */
export const makeLedger = (): Ledger => {
  const lines: Array<LedgerEntry> = []
  const waiters = new Set<(entry: LedgerEntry) => void>()
  return {
    append: (entry) => {
      const line: LedgerEntry = { seq: lines.length + 1, ...entry }
      lines.push(line)
      waiters.forEach((waiter) => waiter(line))
    },
    entries: () => [...lines],
    waitFor: (predicate) =>
      Effect.callback<LedgerEntry>((resume) => {
        const past = lines.find(predicate)
        if (past !== undefined) return resume(Effect.succeed(past))
        const waiter = (entry: LedgerEntry) => {
          if (!predicate(entry)) return
          waiters.delete(waiter)
          resume(Effect.succeed(entry))
        }
        waiters.add(waiter)
        return Effect.sync(() => {
          waiters.delete(waiter)
        })
      })
  }
}
