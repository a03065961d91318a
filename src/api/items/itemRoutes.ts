/** Items: reading and searching them, and taking in changes of their trees. */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { isUuid } from "../../domain/ids.ts"
import { tagOf, tagsOf } from "../../domain/tree/Tag.ts"
import { wordsOf } from "../../domain/tree/Name.ts"
import { Api } from "../Contract.ts"
import { guarded } from "../guarded.ts"
import { BadRequest } from "../Problems.ts"
import { partsOf } from "../query.ts"
import { makeAccept, noItem, ownerOf } from "./accept.ts"
import type { Acting } from "./accept.ts"
import { isApplying, readChildren, readerOf, readItem, viewOf } from "./itemReads.ts"
import type { ItemRow } from "./itemReads.ts"
import { readTags, searchItems } from "./search.ts"
import type { Place } from "./search.ts"

const defaultPage = 50

/** The place a search's page begins behind; the contract knows the shape of what names one. */
const placeOf = (cursor: string): Place => {
  const [owner, path] = partsOf(cursor)
  return { owner, path }
}

const firstPlace: Place = { owner: 0, path: "" }

const pageOf = (
  rows: ReadonlyArray<ItemRow>,
  limit: number,
  cursorOf: (last: ItemRow) => string,
  applying: boolean
) => ({
  items: rows.map(viewOf),
  next: rows.length < limit ? null : cursorOf(rows.at(-1)!),
  applying
})

/** What a request says besides who acts; what it leaves out is left out of the command. */
const besides = <A extends Acting>({ user: _user, admin: _admin, ...rest }: A): Omit<A, keyof Acting> => rest

export const itemRoutes = HttpApiBuilder.group(
  Api,
  "items",
  Effect.fnUntraced(function* (handlers) {
    const { accept, change } = yield* makeAccept
    // A client that hangs up must not leave it open whether its change was taken.
    const whole = { uninterruptible: true } as const

    return handlers
      .handle(
        "create",
        Effect.fnUntraced(function* ({ payload, headers }) {
          const { parent = null, tags = [], viewers = null, type, name } = payload
          const owner = parent === null ? payload.user : yield* ownerOf(payload, parent)
          const command = { kind: "create", parent, type, name, tags, viewers } as const
          const receipt = yield* accept(payload, owner, command, headers["idempotency-key"])
          return { ...receipt, itemId: receipt.taskId }
        }),
        whole
      )
      .handle(
        "list",
        Effect.fnUntraced(function* ({ query }) {
          const { parent, limit = defaultPage, cursor: after = -1 } = query
          const reader = yield* guarded(readerOf(query))
          if (parent === undefined) {
            const owner = query.owner ?? query.user
            if (owner === undefined)
              return yield* BadRequest.of("whose items?", [{ path: ["query", "owner"], message: "is missing" }])
            const applying = yield* guarded(isApplying(owner))
            const rows = yield* guarded(readChildren(reader, { owner }, after, limit))
            return pageOf(rows, limit, ({ slot }) => String(slot), applying)
          }
          const collection = isUuid(parent) ? yield* guarded(readItem(reader, parent)) : null
          if (collection === null || collection.deletedWith !== null) return yield* noItem(parent)
          const applying = yield* guarded(isApplying(collection.owner))
          const rows = yield* guarded(readChildren(reader, { parent }, after, limit))
          return pageOf(rows, limit, ({ slot }) => String(slot), applying)
        })
      )
      .handle(
        "get",
        Effect.fnUntraced(function* ({ params: { id }, query }) {
          const reader = yield* guarded(readerOf(query))
          const found = isUuid(id) ? yield* guarded(readItem(reader, id)) : null
          if (found === null) return yield* noItem(id)
          // Read again after the question, for the answer to be as new as it says.
          const applying = yield* guarded(isApplying(found.owner))
          const item = yield* guarded(readItem(reader, id))
          return item === null ? yield* noItem(id) : { item: viewOf(item), applying }
        })
      )
      .handle(
        "rename",
        ({ params, payload, headers }) =>
          change(payload, params.id, headers["idempotency-key"], (item) => ({
            kind: "rename",
            item,
            name: payload.name
          })),
        whole
      )
      .handle(
        "move",
        ({ params, payload, headers }) =>
          change(payload, params.id, headers["idempotency-key"], (item) => ({
            kind: "move",
            item,
            parent: payload.parent
          })),
        whole
      )
      .handle(
        "tags",
        ({ params, payload, headers }) =>
          change(payload, params.id, headers["idempotency-key"], (item) => ({
            kind: "setTags",
            item,
            ...besides(payload)
          })),
        whole
      )
      .handle(
        "access",
        ({ params, payload, headers }) =>
          change(payload, params.id, headers["idempotency-key"], (item) => ({
            kind: "setAccess",
            item,
            ...besides(payload)
          })),
        whole
      )
      .handle(
        "delete",
        ({ params, query, headers }) =>
          change(query, params.id, headers["idempotency-key"], (item) => ({ kind: "delete", item })),
        whole
      )
      .handle(
        "restore",
        ({ params, payload, headers }) =>
          change(payload, params.id, headers["idempotency-key"], (item) => ({ kind: "restore", item })),
        whole
      )
      .handle(
        "public",
        ({ params, payload, headers }) =>
          accept(payload, params.id, { kind: "setPublic", public: payload.public }, headers["idempotency-key"]),
        whole
      )
      .handle(
        "tagsSeen",
        Effect.fnUntraced(function* ({ query }) {
          const applying = yield* guarded(isApplying(query.user ?? null))
          const reader = yield* guarded(readerOf(query))
          const tags = yield* guarded(readTags(reader, tagOf(query.q ?? ""), query.limit ?? defaultPage))
          return { tags, applying }
        })
      )
      .handle(
        "search",
        Effect.fnUntraced(function* ({ query }) {
          const { q = "", limit = defaultPage } = query
          const tags = tagsOf((query.tags ?? "").split(",")).filter((tag) => tag !== "")
          if (tags.length === 0 && wordsOf(q).length === 0)
            return yield* BadRequest.of("the search cannot be made", [
              { path: ["query"], message: "tags or q must say what to search for" }
            ])
          const place = query.cursor === undefined ? firstPlace : placeOf(query.cursor)
          const applying = yield* guarded(isApplying(query.user ?? null))
          const reader = yield* guarded(readerOf(query))
          const rows = yield* guarded(searchItems(reader, { tags, words: q }, place, limit))
          return pageOf(rows, limit, ({ ownerNumber, path }) => `${ownerNumber}-${path}`, applying)
        })
      )
  })
)
