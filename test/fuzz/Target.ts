/** The program under fuzzing: `postroom start` as a process of its own, on a database of its own. */
import { Effect, Redacted, Schema } from "effect"
import type { Scope } from "effect"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { topics } from "../../src/topics/index.ts"
import type { Client } from "../scenarios/Installation.ts"
import { clientOf, temporaryFolder } from "../scenarios/Installation.ts"
import { startProgram } from "../scenarios/Program.ts"
import type { Program } from "../scenarios/Program.ts"
import { freshDatabase } from "../support/postgres.ts"
import { operationsOf } from "./Operations.ts"
import type { Described } from "./Operations.ts"
import { parcel, parcels } from "./parcel.ts"
import type { RequestDrawing } from "./requests.ts"

const actors = fileURLToPath(new URL("parcel.ts", import.meta.url))

export interface Target {
  readonly base: string
  readonly port: number
  readonly token: string
  readonly client: Client
  readonly described: Described
  readonly program: Program
  readonly databaseUrl: Redacted.Redacted
}

/** Starts the program; it ends with the scope. */
export const startTarget: Effect.Effect<Target, never, Scope.Scope> = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  const { url } = yield* freshDatabase
  const program = yield* startProgram(["start", "--actors", actors, "--roles", `api,${parcel.name}`], {
    folder,
    env: { DATA_DIR: path.join(folder, "data"), HTTP_PORT: "0", DATABASE_URL: Redacted.value(url) }
  })
  const [, base] = yield* program.said(/API at (\S+)\/api\/v1/)
  const [, token] = yield* program.said(/shown this once: (\S+)/)
  yield* program.said(/Postroom runs/)
  const client = clientOf(base!, token!)
  const document = (yield* client.call("GET", "/openapi.json")).body
  return {
    base: base!,
    port: Number(new URL(base!).port),
    token: token!,
    client,
    described: operationsOf(document),
    program,
    databaseUrl: url
  }
})

/** What requests to a target are drawn from. */
export const drawingFor = (
  { described, token }: Pick<Target, "described" | "token">,
  seed: number
): RequestDrawing => ({
  described,
  token,
  seed,
  queue: parcel.name,
  types: [parcels, ...topics].map(({ type, value }) => {
    const { schema, definitions } = Schema.toJsonSchemaDocument(value, { onExcessProperty: "error" })
    return { type, data: schema, definitions }
  })
})

/** Memory of the target's process, MiB. */
export const residentMib = ({ client }: Pick<Target, "client">): Effect.Effect<number> =>
  Effect.map(client.get("/metrics"), ({ body }) => {
    const bytes = /^postroom_process_resident_memory_bytes (\S+)/m.exec(String(body))?.[1]
    return Math.round(Number(bytes) / 1_048_576)
  })
