/**
 * `postroom convert` on a folder of photographs, killed with SIGKILL half-way and started again: whether it finishes,
 * how often pictures were decoded, and how long both runs took.
 *
 *   node bench/convert-resume.ts [photographs]
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { layerJournal } from "../src/cli/storage.ts"
import { syntheticPhoto } from "../test/support/photos.ts"
import { monotonicMs } from "./support/clock.ts"

const count = Number(process.argv[2] ?? "1000")
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "postroom-bench-"))
const photos = path.join(folder, "photos")
const out = path.join(folder, "out")
const dataDir = path.join(folder, "data")
const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))

/** As in an album: most of 12 megapixels, one in five upright, some smaller and some larger. */
const sizes = [
  [4_032, 3_024],
  [3_024, 4_032],
  [4_032, 3_024],
  [2_048, 1_536],
  [6_000, 4_000]
] as const

const fillFolder = async (): Promise<number> => {
  fs.mkdirSync(photos)
  const kinds = await Promise.all(sizes.map(([width, height], seed) => syntheticPhoto({ width, height, seed })))
  let bytes = 0
  for (let n = 0; n < count; n++) {
    // Bytes behind the end of a JPEG change the file and not the picture.
    const content = Buffer.concat([kinds[n % kinds.length]!, Buffer.from(`-${n}`)])
    fs.writeFileSync(path.join(photos, `${n}.jpg`), content)
    bytes += content.length
  }
  return bytes
}

/** Runs the command and answers its last line; killed after `killAfter` pictures, null. */
const run = async (killAfter = Number.POSITIVE_INFINITY) => {
  const begunAt = monotonicMs()
  const program = spawn(process.execPath, [main, "convert", photos, "--out", out, "--json"], {
    env: { ...process.env, DATA_DIR: dataDir },
    stdio: ["ignore", "pipe", "inherit"]
  })
  let lines = 0
  let last = ""
  for await (const line of createInterface({ input: program.stdout })) {
    last = line
    if (++lines === killAfter) program.kill("SIGKILL")
  }
  const seconds = Math.round((monotonicMs() - begunAt) / 100) / 10
  return { seconds, reported: lines, end: lines >= killAfter ? null : (JSON.parse(last) as unknown) }
}

/** How many pictures were decoded to an end how often, and how many tasks there are. */
const counted = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [conversions] = yield* sql`
    SELECT count(*)::int AS pictures, sum(decodes)::int AS decodes, max(decodes) AS most FROM conversion`
  const tasks = yield* sql`SELECT state, count(*)::int AS tasks FROM task GROUP BY state`
  return { ...conversions, tasks: [...tasks] }
}).pipe(Effect.provide(layerJournal({ databaseUrl: null, dataDir })))

try {
  const megabytes = Math.round((await fillFolder()) / 1e6)
  const killed = await run(Math.floor(count / 2))
  const written = fs.readdirSync(out).length
  const finished = await run()
  const files = fs.readdirSync(out).filter((file) => file.endsWith(".jpg")).length
  const parts = fs.readdirSync(out).filter((file) => file.endsWith(".part")).length
  const found = await Effect.runPromise(counted)
  console.log(
    JSON.stringify({ photographs: count, megabytes, killed: { ...killed, written }, finished, files, parts, ...found })
  )
} finally {
  fs.rmSync(folder, { recursive: true, force: true })
}
