/** The blob stores pass the contract; the one in a folder also survives kills and full disks. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { once } from "node:events"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { Blobs } from "../../src/services/blobs/Blobs.ts"
import { layerFileBlobs } from "../../src/services/blobs/FileBlobs.ts"
import { layerMemoryBlobs } from "../../src/services/blobs/MemoryBlobs.ts"
import { blobsContract } from "./blobs-contract.ts"

const scratch = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "postroom-blobs-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
)

blobsContract("memory", layerMemoryBlobs)
blobsContract("a folder", Layer.unwrap(Effect.map(scratch, (folder) => layerFileBlobs({ folder }))))

const filesBelow = (folder: string): ReadonlyArray<string> =>
  fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))

const writer = fileURLToPath(new URL("blobs-writer.ts", import.meta.url))
const mount = ["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
const mayMount = spawnSync("unshare", mount).status === 0
if (!mayMount) console.error("SKIPPED: this system refuses mounts, so a full disk was not tried")

describe("the blob store of a folder", () => {
  it.live("S1 killed at any moment it shows no partial blob, and the left-overs go at the next start", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      for (const round of [1, 2, 3]) {
        const child = spawn(process.execPath, [writer, folder], { stdio: ["ignore", "pipe", "inherit"] })
        // Some blobs are reported as kept, others are on their way.
        yield* Effect.promise(async () => {
          let lines = 0
          for await (const chunk of child.stdout) {
            lines += String(chunk).split("\n").length
            if (lines > 20 * round) break
          }
          child.kill("SIGKILL")
          if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
        })
        const kept = filesBelow(path.join(folder, "sha256"))
        assert.isAbove(kept.length, 0)
        for (const file of kept) {
          assert.strictEqual(createHash("sha256").update(fs.readFileSync(file)).digest("hex"), path.basename(file))
        }
      }
      assert.isAbove(filesBelow(path.join(folder, "incoming")).length, 0)
      yield* Effect.provide(Effect.void, layerFileBlobs({ folder, incomingLife: 0 }))
      assert.deepStrictEqual(filesBelow(path.join(folder, "incoming")), [])
    })
  )

  it.live("an interrupted upload leaves nothing behind", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      const upload = Blobs.use((blobs) => blobs.put(Stream.concat(Stream.make(new Uint8Array(9)), Stream.never)))
      const fiber = yield* Effect.forkChild(Effect.provide(upload, layerFileBlobs({ folder })))
      const incoming = path.join(folder, "incoming")
      const begun = Effect.sync(() => fs.existsSync(incoming) && filesBelow(incoming).length > 0)
      yield* Effect.repeat(Effect.delay(begun, "5 millis"), { until: (yes) => yes })
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(filesBelow(folder), [])
    })
  )

  it.live("what the disk has no room for beside what is to stay free is refused before its first byte", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      const { bavail, bsize } = fs.statfsSync(folder)
      const room = bavail * bsize
      const put = (expected: number) =>
        Blobs.use((blobs) => blobs.put(new Uint8Array(9), { expected })).pipe(
          Effect.provide(layerFileBlobs({ folder, reserve: room / 2 }))
        )
      assert.strictEqual((yield* Effect.flip(put(room))).reason._tag, "StoreFull")
      assert.deepStrictEqual(filesBelow(folder), [])
      assert.strictEqual((yield* put(9)).size, 9)
    })
  )

  it.live("a link is not taken for a file", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      const link = path.join(folder, "link")
      fs.symlinkSync("/etc/hostname", link)
      const put = Blobs.use((blobs) => blobs.putFile(link)).pipe(
        Effect.provide(layerFileBlobs({ folder: path.join(folder, "store") }))
      )
      assert.strictEqual((yield* Effect.flip(put)).reason._tag, "Unavailable")
      assert.deepStrictEqual(filesBelow(path.join(folder, "store")), [])
    })
  )

  it.live.runIf(mayMount)("a full disk refuses the blob, says so and keeps nothing of it", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      const line = `mount -t tmpfs -o size=2m tmpfs '${folder}' && exec "$@"`
      const result = spawnSync("unshare", ["-m", "sh", "-c", line, "sh", process.execPath, writer, folder, "once"], {
        encoding: "utf8"
      })
      assert.deepStrictEqual(JSON.parse(result.stdout), { reason: "StoreFull", left: [] })
    })
  )
})
