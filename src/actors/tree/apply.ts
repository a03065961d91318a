/**
 * One command against one owner's tree, in one transaction: the owner's row is
 * locked, a command that was applied before answers what it answered then, an
 * owner of the partition that was replaced is refused, and the outcome is kept
 * in the order of the owner's commands. A crash leaves all of it or nothing.
 */
import { Data, Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql"
import { brokenAsError } from "../../database/brokenTransaction.ts"
import { tagsOf } from "../../domain/tree/Tag.ts"
import type { Command, TreeCommand } from "../../domain/tree/TreeCommand.ts"
import type { TreeOutcome, TreeRefused } from "../../domain/tree/TreeOutcome.ts"
import type { BlobError } from "../../services/blobs/BlobError.ts"
import type { Blobs } from "../../services/blobs/Blobs.ts"
import { letGo } from "../../services/content/references.ts"
import { attach, copyContent, fetched, setContent, upload } from "./content.ts"
import { copy } from "./copy.ts"
import { create } from "./create.ts"
import { tagNumbers, userNumbers } from "./Dictionary.ts"
import { deleteBranch, restore } from "./life.ts"
import { move, rename } from "./place.ts"
import { purge } from "./purge.ts"
import { setPublic } from "./publicity.ts"
import { setAccess } from "./setAccess.ts"
import { setTags } from "./setTags.ts"
import type { Change, Turn } from "./Turn.ts"

/** This process was replaced as the owner of the partition, and does not know it yet. */
export class StaleEpoch extends Data.TaggedError("StaleEpoch")<{ readonly held: number; readonly seen: number }> {
  readonly isRetryable = true
  override get message() {
    return `another process has the tree: it wrote with epoch ${this.seen}, this one has ${this.held}`
  }
}

/** Where a command comes from: its task, and under which lease its process runs it. */
export interface CommandSource {
  readonly task: string
  readonly owner: string
  readonly partition: number
  readonly epoch: number
  /** The event from which it descends, where there is one. */
  readonly flow?: string | null
  readonly progress: (value: unknown) => Effect.Effect<void>
}

const tagsIn = (command: Command): ReadonlyArray<string> => {
  if (command.kind === "create" || command.kind === "upload") return tagsOf(command.tags)
  if (command.kind !== "setTags") return []
  return tagsOf([...(command.set ?? []), ...(command.add ?? []), ...(command.remove ?? [])])
}

const viewersIn = (command: Command): ReadonlyArray<string> => {
  if (command.kind === "create" || command.kind === "upload") return command.viewers ?? []
  if (command.kind !== "setAccess") return []
  return [...(command.set ?? []), ...(command.grant ?? []), ...(command.revoke ?? [])]
}

const run = (
  turn: Turn,
  command: Command
): Effect.Effect<number | Change, TreeRefused | BlobError | SqlError.SqlError, SqlClient.SqlClient | Blobs> => {
  switch (command.kind) {
    case "create":
      return create(turn, command)
    case "rename":
      return rename(turn, command)
    case "move":
      return move(turn, command)
    case "setTags":
      return setTags(turn, command)
    case "setAccess":
      return setAccess(turn, command)
    case "delete":
      return deleteBranch(turn, command)
    case "restore":
      return restore(turn, command)
    case "setPublic":
      return setPublic(turn, command)
    case "upload":
      return upload(turn, command)
    case "setContent":
      return setContent(turn, command)
    case "fetched":
      return fetched(turn, command)
    case "attach":
      return attach(turn, command)
    case "copyContent":
      return copyContent(turn, command)
    case "copy":
      return copy(turn, command)
    case "purge":
      return purge(turn, command)
  }
}

/** Commands that put content to use which was held for them. */
const putsContent = (command: Command): boolean => ["upload", "setContent", "fetched"].includes(command.kind)

const appliedOf = (seq: number, change: number | Change): TreeOutcome => {
  const { changed, next } = typeof change === "number" ? { changed: change, next: [] } : change
  return { outcome: "applied", seq, changed, ...(next.length === 0 ? {} : { next }) }
}

interface OwnerRow {
  readonly seq: bigint
  readonly is_public: boolean
  readonly partition: number
  readonly epoch: bigint
}

/** Locks the owner's row, which is made with the first command. */
const lockOwner = Effect.fnUntraced(function* (owner: number) {
  const sql = yield* SqlClient.SqlClient
  const lock = sql.unsafe<OwnerRow>(
    `SELECT seq, is_public, partition, epoch FROM tree_owner WHERE owner = $1 FOR UPDATE`,
    [owner]
  )
  const [row] = yield* lock
  if (row !== undefined) return row
  yield* sql.unsafe(`INSERT INTO tree_owner (owner) VALUES ($1) ON CONFLICT DO NOTHING`, [owner])
  return (yield* lock)[0]!
})

/** Applies a command, or answers what it came to when it was applied before. */
export const applyCommand = Effect.fn("tree.apply")(function* (source: CommandSource, value: TreeCommand) {
  const sql = yield* SqlClient.SqlClient
  const { command } = value
  const users = yield* userNumbers([source.owner, value.by, ...viewersIn(command)])
  const tags = yield* tagNumbers(tagsIn(command))
  const owner = users.get(source.owner)!

  const turnOf = (row: OwnerRow): Turn => ({
    owner,
    isPublic: row.is_public,
    seq: Number(row.seq) + 1,
    command: source.task,
    by: users.get(value.by)!,
    mayChange: value.admin || value.by === source.owner,
    isAdmin: value.admin,
    flow: source.flow ?? null,
    users,
    tags,
    progress: source.progress
  })

  return yield* sql
    .withTransaction(
      Effect.gen(function* () {
        const row = yield* lockOwner(owner)
        // As text: a JavaScript date has no microseconds, and would say that this began before the one before had ended.
        const [found] = yield* sql.unsafe<{ begun: string; result: string | null }>(
          `SELECT clock_timestamp()::text AS begun, (SELECT result FROM tree_operation WHERE command = $1::uuid) AS result`,
          [source.task]
        )
        const { begun, result } = found!
        if (result !== null) return JSON.parse(result) as TreeOutcome
        // Epochs of another partition cannot be compared with this one's.
        if (row.partition === source.partition && Number(row.epoch) > source.epoch)
          return yield* new StaleEpoch({ held: source.epoch, seen: Number(row.epoch) })
        const turn = turnOf(row)
        const { seq } = turn
        const outcome: TreeOutcome = yield* run(turn, command).pipe(
          Effect.map((change) => appliedOf(seq, change)),
          Effect.catchTag("TreeRefused", ({ reason, detail }) =>
            Effect.succeed({ outcome: "refused" as const, seq, reason, detail })
          )
        )
        if (putsContent(command)) yield* letGo(source.task)
        yield* sql.unsafe(
          `WITH counted AS (
             UPDATE tree_owner SET seq = $2::int8, partition = $3, epoch = $4::int8 WHERE owner = $1)
           INSERT INTO tree_operation (owner, seq, command, kind, requested_by, result, begun_at)
           VALUES ($1, $2::int8, $5::uuid, $6, $7, $8, $9::timestamptz)`,
          [
            owner,
            BigInt(seq),
            source.partition,
            BigInt(source.epoch),
            source.task,
            command.kind,
            value.by,
            JSON.stringify(outcome),
            begun
          ]
        )
        return outcome
      })
    )
    .pipe(brokenAsError)
})
