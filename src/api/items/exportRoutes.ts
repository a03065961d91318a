/** POST /exports, and what can be asked of exports and done to them by those who wanted them. */
import { Effect, Result } from "effect"
import { HttpServerRequest } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { isUuid } from "../../domain/ids.ts"
import type { ExportRequest } from "../../domain/export/ExportRequest.ts"
import { isFinal } from "../../domain/TaskState.ts"
import { EventIntake } from "../../journal/EventIntake.ts"
import { Journal } from "../../journal/Journal.ts"
import { removeExport, typeOfExport } from "../../services/content/exports.ts"
import { Api } from "../Contract.ts"
import { EventTypes } from "../EventTypes.ts"
import type { ExportView } from "../ExportsContract.ts"
import { guarded } from "../guarded.ts"
import { receiptOf } from "../present.ts"
import { BadRequest, Conflict, Gone, NotFound } from "../Problems.ts"
import { check } from "../submission.ts"
import { settled } from "../taskSettled.ts"
import { afterOf, exportType, listExports, readExport } from "./exportReads.ts"
import { serveFile } from "./serveFile.ts"

const defaultPage = 50

const noExport = (id: string) => NotFound.of(`there is no export ${id.slice(0, 100)}`)

/** The user's export, or the answer that there is none: another's is as one that is not there. */
const find = Effect.fnUntraced(function* (user: string, id: string) {
  const found = isUuid(id) ? yield* guarded(readExport(user, id)) : null
  return found ?? (yield* noExport(id))
})

const unaccepted = (problem: BadRequest): BadRequest =>
  BadRequest.of(
    "the export cannot be accepted",
    // The event's data are the request's fields.
    (problem.errors ?? []).map(({ path, message }) => ({ path: path[0] === "data" ? path.slice(1) : path, message }))
  )

/** What the file is called where it is saved. */
const fileNameOf = ({ madeAt, format }: ExportView): string => `export-${madeAt?.slice(0, 10) ?? ""}.${format ?? "zip"}`

export const exportRoutes = HttpApiBuilder.group(
  Api,
  "exports",
  Effect.fnUntraced(function* (handlers) {
    const intake = yield* EventIntake
    const types = yield* EventTypes
    // A client that hangs up must not leave it open whether its wish was taken.
    const whole = { uninterruptible: true } as const

    return handlers
      .handle(
        "request",
        Effect.fnUntraced(function* ({ payload, headers }) {
          const { user, admin = false, ...wanted } = payload
          const data: ExportRequest = { admin, ...wanted }
          const checked = check(types, { type: exportType, user, data }, headers["idempotency-key"], [])
          const event = yield* Effect.fromResult(Result.mapError(checked, unaccepted))
          const [acceptance] = yield* guarded(intake.submit([event]))
          if (acceptance === "conflict")
            return yield* Conflict.of("a key stands for one export, and another was accepted under it", [
              { path: ["header", "idempotency-key"], message: "another export was accepted under this key" }
            ])
          return { ...receiptOf(event), exportId: event.task }
        }),
        whole
      )
      .handle(
        "list",
        Effect.fnUntraced(function* ({ query: { user, limit = defaultPage, cursor } }) {
          return yield* guarded(listExports(user, cursor === undefined ? null : afterOf(cursor), limit))
        })
      )
      .handle("get", ({ params, query }) => find(query.user, params.id))
      .handle(
        "content",
        Effect.fnUntraced(function* ({ params, query }) {
          const found = yield* find(query.user, params.id)
          const { status, sha256, size, format } = found
          if (status === "expired")
            return yield* Gone.of(`the export was kept until ${found.expiresAt}: ask for it again`)
          if (sha256 === null || size === null || format === null)
            return yield* Conflict.of(
              isFinal(status) ? `the export was not made: ${found.reason ?? status}` : `the export is ${status}`
            )
          const request = yield* HttpServerRequest.HttpServerRequest
          return yield* serveFile({ sha256, size, type: typeOfExport(format), name: fileNameOf(found) }, request)
        })
      )
      .handle(
        "remove",
        Effect.fnUntraced(function* ({ params: { id }, query: { user } }) {
          const { status, format } = yield* find(user, id)
          if (status === "queued" || status === "in_progress") {
            const journal = yield* Journal
            yield* guarded(journal.requestCancel(id, user))
            const now = (yield* guarded(settled(id))) ?? status
            const message =
              now === "cancelled"
                ? "it will not be made"
                : isFinal(now)
                  ? `it ended first: ${now}`
                  : "its worker has been asked and has not answered yet"
            return { exportId: id, status: now, message }
          }
          yield* guarded(removeExport(id, user, format ?? "zip"))
          return { exportId: id, status, message: "it is removed" }
        }),
        whole
      )
  })
)
