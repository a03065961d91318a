/** What tests of exports have in common: items that are made, exports that are asked for, and what is in them. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { untilAnswer } from "../scenarios/Installation.ts"
import type { Client } from "../scenarios/Installation.ts"
import { unzip } from "../support/unzip.ts"
import { formOf, readFile, sendForm, taskEnded } from "./filesWorld.ts"
import type { Fields } from "./filesWorld.ts"

export interface Site {
  readonly base: string
  readonly token: string
  readonly client: Client
}

/** A collection, once it is there. */
export const collection = (site: Site, user: string, name: string, more: object = {}) =>
  Effect.gen(function* () {
    const { body } = yield* site.client.post("/items", { user, type: "collection", name, ...more })
    yield* taskEnded(site.client, body.taskId)
    return body.itemId as string
  })

/** An item with a file, once it is there. */
export const uploaded = (site: Site, user: string, name: string, bytes: Uint8Array | string, more: Fields = {}) =>
  Effect.gen(function* () {
    const file = { name, bytes: Buffer.from(bytes) }
    const { body } = yield* sendForm(site, "POST", "/items/upload", formOf({ user, ...more }, file))
    assert.strictEqual((yield* taskEnded(site.client, body.taskId)).status, "succeeded", JSON.stringify(body))
    return body.itemId as string
  })

/** Does something to an item, and waits until it is done. */
export const changed = (site: Site, method: string, place: string, body?: object) =>
  Effect.gen(function* () {
    const answer = yield* site.client.call(method, place, body === undefined ? {} : { body })
    const task = yield* taskEnded(site.client, answer.body.taskId)
    assert.strictEqual(task.status, "succeeded", task.reason)
  })

/** Asks for an export; answers its id. */
export const asked = (site: Site, user: string, wanted: object) =>
  Effect.map(site.client.post("/exports", { user, ...wanted }), ({ status, body }) => {
    assert.strictEqual(status, 202, JSON.stringify(body))
    return body.exportId as string
  })

/** The export once it has ended. */
export const ended = (site: Site, user: string, id: string) =>
  untilAnswer(
    site.client.get(`/exports/${id}?user=${user}`),
    ({ status }) => !["queued", "in_progress"].includes(status)
  )

/** The bytes of an export. */
export const fetched = (site: Site, user: string, id: string) =>
  Effect.map(readFile(site, `/exports/${id}/content?user=${user}`), ({ status, bytes }) => {
    assert.strictEqual(status, 200, bytes.toString())
    return bytes
  })

/** An export from the wish to its bytes. */
export const exported = (site: Site, user: string, wanted: object) =>
  Effect.gen(function* () {
    const id = yield* asked(site, user, wanted)
    const about = yield* ended(site, user, id)
    assert.strictEqual(about.status, "succeeded", about.reason)
    return { id, about, bytes: yield* fetched(site, user, id) }
  })

/** What is in a ZIP besides its manifest, as text by path. */
export const filesIn = (zip: Buffer): Readonly<Record<string, string>> =>
  Object.fromEntries(
    unzip(zip)
      .entries.filter(({ name }) => name !== "manifest.json")
      .map(({ name, bytes }) => [name, bytes.toString()])
  )

/** The manifest of a ZIP. */
export const manifestIn = (zip: Buffer) =>
  JSON.parse(
    unzip(zip)
      .entries.find(({ name }) => name === "manifest.json")!
      .bytes.toString()
  ) as { readonly skipped: ReadonlyArray<{ readonly item: string; readonly reason: string; readonly name: unknown }> }

/** Files below a folder of an installation. */
export const filesBelow = (folder: string) =>
  fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
