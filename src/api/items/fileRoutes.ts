/** Files of items: taking them in, handing them out, and changes that concern them. */
import { Effect, Stream } from "effect"
import type { Schema } from "effect"
import { HttpServerRequest } from "effect/http"
import type { Multipart } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { isUuid } from "../../domain/ids.ts"
import type { Content } from "../../domain/tree/ContentCommand.ts"
import type { Command } from "../../domain/tree/TreeCommand.ts"
import { mediaTypeOf } from "../../services/content/mediaType.ts"
import { keepHeld } from "../../services/content/references.ts"
import { Api } from "../Contract.ts"
import { ContentFields, UploadFields } from "../FilesContract.ts"
import { guarded } from "../guarded.ts"
import { makeAccept, noItem, ownerOf } from "./accept.ts"
import type { Acting } from "./accept.ts"
import { readForm, refusedByStore } from "./form.ts"
import type { SentFile } from "./form.ts"
import { readerOf, readFile } from "./itemReads.ts"
import { serveFile } from "./serveFile.ts"

/** A file's name as that of an item: without folders, which some clients send too. */
const itemNameOf = (name: string): string => (name.split(/[/\\]/).at(-1) ?? "").slice(0, 500) || "file"

/** The last part of an address, as far as it is one. */
const nameIn = (url: string): string => {
  const last = URL.parse(url)?.pathname.split("/").at(-1) ?? ""
  try {
    return itemNameOf(decodeURIComponent(last).replaceAll("\0", ""))
  } catch {
    return itemNameOf(last)
  }
}

const contentOf = ({ staged: { sha256, size, head }, name }: SentFile): Extract<Content, { kind: "stored" }> => ({
  kind: "stored",
  sha256,
  size,
  type: mediaTypeOf(head, name)
})

type Parts = Stream.Stream<Multipart.Part, Multipart.MultipartError>

export const fileRoutes = HttpApiBuilder.group(
  Api,
  "files",
  Effect.fnUntraced(function* (handlers) {
    const { prepare, submit, accept, change } = yield* makeAccept

    /**
     * Accepts a change that brings a file: the file is kept for the change's task first, so that it is there when the
     * task's turn has come. A client that hangs up must not leave it open whether its change was taken.
     */
    const acceptFile = (acting: Acting, owner: string, file: SentFile, command: Command, key: string | undefined) =>
      Effect.gen(function* () {
        const event = yield* prepare(acting, owner, command, key)
        yield* guarded(
          Effect.catchTag(keepHeld(file.staged, contentOf(file).type, event.task), "BlobError", refusedByStore)
        )
        return yield* submit(event)
      }).pipe(Effect.uninterruptible)

    const formOf = <A>(parts: Parts, fields: Schema.Codec<A, unknown>) =>
      Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) => {
        const length = Number(headers["content-length"] ?? 0)
        return readForm(parts, fields, Number.isSafeInteger(length) ? length : 0)
      })

    const ownerAt = (acting: Acting, parent: string | null) =>
      parent === null ? Effect.succeed(acting.user) : ownerOf(acting, parent)

    const uploadOf = (
      {
        name,
        parent = null,
        tags = [],
        viewers
      }: Omit<typeof UploadFields.Type, "user" | "admin" | "parent"> & { readonly parent?: string | null },
      otherName: string,
      content: Content
    ): Command => ({ kind: "upload", parent, name: name ?? otherName, tags, viewers: viewers ?? null, content })

    const serve = (id: string, query: { readonly user?: string; readonly admin?: boolean }, role: string) =>
      Effect.gen(function* () {
        const reader = yield* guarded(readerOf(query))
        const file = isUuid(id) ? yield* guarded(readFile(reader, id, role)) : null
        if (file === null) return yield* noItem(id)
        const request = yield* HttpServerRequest.HttpServerRequest
        return yield* serveFile({ ...file, size: Number(file.size) }, request)
      })
    const whole = { uninterruptible: true } as const

    return handlers
      .handle(
        "upload",
        Effect.fnUntraced(function* ({ payload, headers }) {
          const key = headers["idempotency-key"]
          if (!Stream.isStream(payload)) {
            const { url, ...fields } = payload
            const owner = yield* ownerAt(fields, fields.parent ?? null)
            const command = uploadOf(fields, nameIn(url), { kind: "remote", url })
            const receipt = yield* accept(fields, owner, command, key)
            return { ...receipt, itemId: receipt.taskId }
          }
          const { fields, file } = yield* formOf(payload, UploadFields)
          const owner = yield* ownerAt(fields, fields.parent ?? null)
          const command = uploadOf(fields, itemNameOf(file.name), contentOf(file))
          const receipt = yield* acceptFile(fields, owner, file, command, key)
          return { ...receipt, itemId: receipt.taskId }
        }, Effect.scoped)
      )
      .handle(
        "setContent",
        Effect.fnUntraced(function* ({ params, payload, headers }) {
          const key = headers["idempotency-key"]
          const item = params.id.toLowerCase()
          if (!Stream.isStream(payload)) {
            const content = { kind: "remote", url: payload.url } as const
            return yield* change(payload, item, key, () => ({ kind: "setContent", item, content }))
          }
          const { fields, file } = yield* formOf(payload, ContentFields)
          const owner = yield* ownerOf(fields, item)
          const command = { kind: "setContent", item, content: contentOf(file) } as const
          return { ...(yield* acceptFile(fields, owner, file, command, key)), itemId: item }
        }, Effect.scoped)
      )
      .handle("content", ({ params, query }) => serve(params.id, query, "content"))
      .handle("preview", ({ params, query }) => serve(params.id, query, "preview"))
      .handle("thumbnail", ({ params, query }) => serve(params.id, query, "thumbnail"))
      .handle(
        "copyContent",
        ({ params, payload, headers }) =>
          change(payload, params.id, headers["idempotency-key"], (item) => ({
            kind: "copyContent",
            item,
            from: payload.from
          })),
        whole
      )
      .handle(
        "copy",
        Effect.fnUntraced(function* ({ params, payload, headers }) {
          const item = params.id.toLowerCase()
          // Who does not see it is told that there is none.
          yield* ownerOf(payload, item)
          const owner = yield* ownerAt(payload, payload.parent)
          const command = { kind: "copy", item, parent: payload.parent } as const
          const receipt = yield* accept(payload, owner, command, headers["idempotency-key"])
          return { ...receipt, itemId: receipt.taskId }
        }),
        whole
      )
      .handle(
        "purge",
        ({ params, payload, headers }) =>
          change(payload, params.id, headers["idempotency-key"], (item) => ({ kind: "purge", item })),
        whole
      )
  })
)
