/** Exports of a process of its own that is killed in the middle of one, and what a large one takes. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { createHash, randomBytes } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import { freshDatabase } from "../support/postgres.ts"
import { complaintsOf } from "../support/unzip.ts"
import { untilSo } from "../support/until.ts"
import { asked, collection, ended, uploaded } from "../tree/exportsWorld.ts"
import { readFile, taskEnded } from "../tree/filesWorld.ts"
import { clientOf, temporaryFolder } from "./Installation.ts"
import { runProgram, startProgram } from "./Program.ts"
import type { Program } from "./Program.ts"

const mebibyte = 1 << 20

/** Memory of a process in bytes: now, or the most it ever had. */
const memoryOf = ({ pid }: Program, what: "VmRSS" | "VmHWM"): number =>
  1_024 *
  Number(new RegExp(`${what}:\\s+(\\d+)`).exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? Number.NaN)

const sizesIn = (folder: string): ReadonlyArray<number> =>
  fs.readdirSync(folder).map((name) => fs.statSync(path.join(folder, name)).size)

describe("an export of hundreds of megabytes", () => {
  it.live(
    "is made anew by the next process when kill -9 hits its half, is never seen in part, and takes little memory",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const folder = yield* temporaryFolder
          const { url } = yield* freshDatabase
          const data = path.join(folder, "data")
          const env = { DATA_DIR: data, HTTP_PORT: "0", DATABASE_URL: Redacted.value(url) }
          const start = startProgram(["start", "--roles", "api,tree,exporter"], { folder, env })
          const token = (yield* runProgram(["token", "--json"], { folder, env })).out
          const siteOf = (program: Program) =>
            Effect.map(program.said(/API at (\S+)\/api\/v1/), ([, base = ""]) => {
              const secret = (JSON.parse(token) as { readonly token: string }).token
              return { base, token: secret, client: clientOf(base, secret) }
            })

          const first = yield* start
          const site = yield* siteOf(first)
          const top = yield* collection(site, "anna", "Top")
          const item = yield* uploaded(site, "anna", "large.bin", randomBytes(40 * mebibyte), { parent: top })
          for (let n = 0; n < 4; n++) {
            const { body } = yield* site.client.post(`/items/${item}/copy`, { user: "anna", parent: top })
            yield* taskEnded(site.client, body.taskId)
          }
          const incoming = path.join(data, "files", "incoming")
          const id = yield* asked(site, "anna", { selection: { items: [top] }, format: "zip" })
          yield* untilSo(
            "half of it is written",
            Effect.sync(() => sizesIn(incoming).some((size) => size > 60 * mebibyte)),
            60
          )
          yield* first.signal("SIGKILL")
          yield* first.ended

          const second = yield* start
          const again = yield* siteOf(second)
          const early = yield* again.client.get(`/exports/${id}/content?user=anna`)
          assert.include([409, 200], early.status)
          const before = memoryOf(second, "VmRSS")
          const about = yield* ended(again, "anna", id)
          assert.deepInclude(about, { status: "succeeded", files: 5, items: 6 })
          assert.isBelow(memoryOf(second, "VmHWM"), before + 120 * mebibyte)
          const { headers, bytes: tail } = yield* readFile(again, `/exports/${id}/content?user=anna`, {
            range: "bytes=-22"
          })
          assert.strictEqual(headers.get("content-range"), `bytes ${about.size - 22}-${about.size - 1}/${about.size}`)
          const run = (...args: ReadonlyArray<string>) =>
            Effect.map(
              runProgram(["exports", ...args, "--user", "anna", "--json"], { folder, env }),
              ({ code, out, err }) => {
                assert.strictEqual(code, 0, err)
                return JSON.parse(out) as unknown
              }
            )
          assert.deepStrictEqual(yield* run(), about)
          const file = path.join(folder, "export.zip")
          const { size, sha256 } = about
          assert.deepStrictEqual(yield* run("fetch", id, "--out", file), { exportId: id, file, size, sha256 })
          const bytes = fs.readFileSync(file)
          assert.deepStrictEqual(bytes.subarray(-22), tail)
          assert.strictEqual(bytes.length, about.size)
          assert.isAbove(bytes.length, 200 * mebibyte)
          assert.strictEqual(createHash("sha256").update(bytes).digest("hex"), about.sha256)
          assert.deepStrictEqual(complaintsOf(file), [])
          // What the killed process left is not among what is kept: it goes at a later start.
          const kept = fs.readdirSync(path.join(data, "files", "sha256"), { recursive: true, encoding: "utf8" })
          assert.lengthOf(
            kept.filter((name) => /[0-9a-f]{64}$/.test(name)),
            2
          )
        })
      ),
    240_000
  )
})
