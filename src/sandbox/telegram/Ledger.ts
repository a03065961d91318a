/**
 * The append-only account of what clients made this server do. A checker of exactly-once publishing reads it: it is
 * written when the server commits, whatever becomes of the answer.
 */
import { closeSync, openSync, writeSync } from "node:fs"
import { Effect, type Scope } from "effect"

/**
 * One line. `sent` is a new message; `repeated` a request whose random id had been used before and that made no new
 * message; `at` is milliseconds since the epoch, `textHash` the SHA-256 of the text in hex.
 */
export interface LedgerEntry {
  readonly event: "sent" | "repeated" | "edited" | "deleted"
  readonly channelId: string
  readonly username: string
  readonly messageId: number
  readonly randomId?: string
  readonly textHash?: string
  readonly media?: string
  readonly groupedId?: string
  readonly accountId: string
  readonly at: number
}

export interface Ledger {
  readonly append: (entry: LedgerEntry) => void
  /** Everything so far, oldest first. */
  readonly entries: () => ReadonlyArray<LedgerEntry>
}

/**
 * Makes a ledger in memory; with `file` each entry is also appended there as one JSON line before the request is
 * answered. The file is opened for appending, so several servers' lives follow each other in it.
 */
export const makeLedger = (file: string | undefined): Effect.Effect<Ledger, never, Scope.Scope> =>
  Effect.gen(function* () {
    const entries: Array<LedgerEntry> = []
    const descriptor =
      file === undefined
        ? undefined
        : yield* Effect.acquireRelease(
            Effect.sync(() => openSync(file, "a")),
            (fd) => Effect.sync(() => closeSync(fd))
          )
    return {
      append: (entry) => {
        entries.push(entry)
        if (descriptor !== undefined) writeSync(descriptor, `${JSON.stringify(entry)}\n`)
      },
      entries: () => entries
    }
  })
