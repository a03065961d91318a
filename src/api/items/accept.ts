/**
 * Takes in changes of trees. The owner of the tree, by whom commands are put in
 * order, is found by the item; who may not see an item is told that there is
 * none. What the change comes to is settled when it is applied.
 */
import { Effect, Result } from "effect"
import { isUuid } from "../../domain/ids.ts"
import type { Command, TreeCommand } from "../../domain/tree/TreeCommand.ts"
import { EventIntake } from "../../journal/EventIntake.ts"
import type { CheckedEvent } from "../../journal/EventIntake.ts"
import { readEvent } from "../../journal/sql/EventHistory.ts"
import { EventTypes } from "../EventTypes.ts"
import { guarded } from "../guarded.ts"
import { receiptOf } from "../present.ts"
import { BadRequest, Conflict, NotFound } from "../Problems.ts"
import { check } from "../submission.ts"
import { readerOf, readItem } from "./itemReads.ts"

const eventType = "tree.command"

/** Who acts, as requests name it. */
export interface Acting {
  readonly user: string
  readonly admin?: boolean
}

export const noItem = (id: string) => NotFound.of(`there is no item ${id.slice(0, 100)}`)

/** The owner of an item that is still to be made: by the command that makes it, whose task has the item's id. */
const ownerToBe = Effect.fnUntraced(function* (acting: Acting, id: string) {
  const event = yield* readEvent({ task: id })
  if (event === null || event.type !== eventType) return null
  return (acting.admin ?? false) || event.user === acting.user ? event.user : null
})

/** In whose tree an item is that the caller sees. */
export const ownerOf = Effect.fnUntraced(function* (acting: Acting, id: string) {
  if (!isUuid(id)) return yield* noItem(id)
  const item = yield* guarded(Effect.flatMap(readerOf(acting), (reader) => readItem(reader, id)))
  const owner = item?.owner ?? (yield* guarded(ownerToBe(acting, id)))
  return owner ?? (yield* noItem(id))
})

const unaccepted = (problem: BadRequest): BadRequest =>
  BadRequest.of(
    "the change cannot be accepted",
    (problem.errors ?? []).map(({ path, message }) => ({
      // The command's fields are the request's.
      path: path[0] === "data" ? path.slice(2) : path,
      message
    }))
  )

/** Checks changes of owners' trees, and keeps them; answered when they are on disk. */
export const makeAccept = Effect.gen(function* () {
  const intake = yield* EventIntake
  const types = yield* EventTypes

  /** The event that a change will be; its task is known by it, and what the task needs can be seen to first. */
  const prepare = (acting: Acting, owner: string, command: Command, key: string | undefined) => {
    const data: TreeCommand = { by: acting.user, admin: acting.admin ?? false, command }
    const checked = check(types, { type: eventType, user: owner, data }, key, [])
    return Effect.fromResult(Result.mapError(checked, unaccepted))
  }

  const submit = Effect.fnUntraced(function* (event: CheckedEvent) {
    const [acceptance] = yield* guarded(intake.submit([event]))
    if (acceptance !== "conflict") return receiptOf(event)
    return yield* Conflict.of("a key stands for one change, and another was accepted under it", [
      { path: ["header", "idempotency-key"], message: "another change was accepted under this key" }
    ])
  })

  const accept = (acting: Acting, owner: string, command: Command, key: string | undefined) =>
    Effect.flatMap(prepare(acting, owner, command, key), submit)

  /** Accepts a change of one item, in its owner's tree. */
  const change = Effect.fnUntraced(function* (
    acting: Acting,
    item: string,
    key: string | undefined,
    commandOf: (item: string) => Command
  ) {
    const id = item.toLowerCase()
    const owner = yield* ownerOf(acting, id)
    return { ...(yield* accept(acting, owner, commandOf(id), key)), itemId: id }
  })

  return { prepare, submit, accept, change }
})
