/** What tests of files have in common: forms over a real socket, a converter that makes nothing much, and waiting. */
import { Effect } from "effect"
import { done } from "../../src/domain/Outcome.ts"
import * as Actor from "../../src/runtime/Actor.ts"
import { Blobs } from "../../src/services/blobs/Blobs.ts"
import { mediaUploaded } from "../../src/topics/mediaUploaded.ts"
import * as Topic from "../../src/topics/Topic.ts"
import { treeCommands } from "../../src/topics/treeCommands.ts"
import { untilAnswer } from "../scenarios/Installation.ts"
import type { Answer, Client } from "../scenarios/Installation.ts"

/** Stands in for the converter: preview and thumbnail are texts. */
export const makeTextConverter = () =>
  Actor.make({
    name: "converter",
    topic: mediaUploaded,
    handler: Effect.fnUntraced(function* ({ sha256, item }: Topic.ValueOf<typeof mediaUploaded>, { user }) {
      const blobs = yield* Blobs
      const put = (text: string) =>
        Effect.map(blobs.put(Buffer.from(text)), (blob) => ({ ...blob, width: 4, height: 3, format: "jpeg" }))
      const attachment = {
        kind: "converted" as const,
        preview: yield* put(`preview of ${sha256}`),
        thumbnail: yield* put(`thumbnail of ${sha256}`),
        width: 40,
        height: 30,
        thumbhash: "AAAA",
        degraded: null,
        exif: { make: "a camera" }
      }
      const command = { kind: "attach" as const, item: item!.id, gen: item!.gen, sha256, attachment }
      return done(null, [yield* Topic.output(treeCommands, user, { by: user, admin: false, command })])
    })
  })

/** A PNG's first bytes, and something behind them. */
export const pngOf = (text: string): Buffer =>
  Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.from(text)])

export type Fields = Readonly<Record<string, string | ReadonlyArray<string>>>

/** A form with fields and, unless null, a file. */
export const formOf = (
  fields: Fields,
  file: { readonly name: string; readonly bytes: Uint8Array } | null
): FormData => {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields))
    for (const one of typeof value === "string" ? [value] : value) form.append(name, one)
  if (file !== null) form.append("file", new Blob([new Uint8Array(file.bytes)], { type: "text/html" }), file.name)
  return form
}

interface Site {
  readonly base: string
  readonly token: string
}

/** Sends a form. */
export const sendForm = (
  { base, token }: Site,
  method: string,
  place: string,
  form: FormData,
  headers: Record<string, string> = {}
): Effect.Effect<Answer> =>
  Effect.promise(async () => {
    const answer = await fetch(`${base}/api/v1${place}`, {
      method,
      body: form,
      headers: { authorization: `Bearer ${token}`, ...headers }
    })
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as unknown }
  })

/** What a GET (or HEAD) of a file answers, as bytes. */
export const readFile = ({ base, token }: Site, place: string, headers: Record<string, string> = {}, method = "GET") =>
  Effect.promise(async () => {
    const answer = await fetch(`${base}/api/v1${place}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...headers }
    })
    return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) }
  })

/** The item once its content has come to `status`. */
export const untilContent = (client: Client, user: string, item: string, status: string) =>
  Effect.map(
    untilAnswer(client.get(`/items/${item}?user=${user}`), (body) => body.item?.content?.status === status),
    ({ item: found }) => found
  )

/** The task once it has ended. */
export const taskEnded = (client: Client, task: string) =>
  untilAnswer(client.get(`/tasks/${task}`), ({ status }) => !["queued", "in_progress"].includes(status))
