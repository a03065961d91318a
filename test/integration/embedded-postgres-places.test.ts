/** Where the embedded PostgreSQL must work, and what it says where it cannot. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { findBinaries } from "../../src/database/embedded/Binaries.ts"
import { startEmbeddedPostgres } from "../../src/database/embedded/EmbeddedPostgres.ts"
import { chooseIdentity } from "../../src/database/embedded/Identity.ts"
import { connect } from "../support/postgres.ts"
import { postmaster, processesOf, scratch, user } from "./embedded-postgres-driver.ts"

const root = process.getuid?.() === 0
const succeeds = (command: string, ...args: ReadonlyArray<string>) => spawnSync(command, args).status === 0

/** Words that run a command as `uid`: for real where that user can read this checkout, else in a namespace. */
const asUser = (uid: number): ReadonlyArray<string> => {
  if (!root) return []
  const real = ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"]
  if (succeeds("setpriv", ...real.slice(1), process.execPath, "-e", "1")) return real
  return ["unshare", "--user", `--map-user=${uid}`, `--map-group=${uid}`, "--"]
}

/** Runs a shell line that may mount, then the process of the test, in a mount namespace of its own. */
const mounting = (line: string): ReadonlyArray<string> => [
  "unshare",
  ...(root ? ["-m"] : ["-Urm"]),
  "/bin/sh",
  "-c",
  `${line} || exit 99; exec "$@"`,
  "sh"
]
const mayMount = succeeds("unshare", root ? "-m" : "-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt")
if (!mayMount) console.error("SKIPPED: this system refuses mounts, so full and read-only disks were not tried")

const packageFolder = path.resolve(
  path.dirname(fileURLToPath(import.meta.resolve(`@embedded-postgres/${process.platform}-${process.arch}`))),
  ".."
)

describe("the embedded PostgreSQL and its place", () => {
  it.live("it runs for an ordinary user, whether the uid has a name or not", () =>
    Effect.gen(function* () {
      for (const uid of [65_534, 4_711]) {
        const folder = yield* scratch
        if (root) fs.chownSync(folder, uid, uid)
        const one = yield* user({ dataDir: path.join(folder, "data") }, asUser(uid))
        assert.deepStrictEqual([one.first.failed, one.first.message], [undefined, undefined])
        assert.deepStrictEqual((yield* one.ask("SELECT current_database() AS name")).rows, [{ name: "postroom" }])
        yield* one.close
        assert.deepStrictEqual(processesOf(folder), [])
      }
    })
  )

  it.live("links that an install without scripts left out are made, also for programs that had to be copied", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      const bare = path.join(folder, "closed", "package")
      fs.mkdirSync(bare, { recursive: true })
      fs.cpSync(packageFolder, bare, {
        recursive: true,
        filter: (source) => !fs.lstatSync(source).isSymbolicLink()
      })
      const postgres = path.join(bare, "native", "bin", "postgres")
      const dataDir = path.join(folder, "data")
      fs.mkdirSync(dataDir)
      const identity = yield* chooseIdentity(dataDir, ["namespace"])
      assert.strictEqual((yield* findBinaries(dataDir, identity, bare)).postgres, postgres)
      assert.isTrue(succeeds(postgres, "--version"))

      if (!root) return
      fs.chmodSync(folder, 0o755)
      fs.chmodSync(path.join(folder, "closed"), 0o700)
      const nobody = yield* chooseIdentity(dataDir, ["uid"])
      assert.deepStrictEqual(nobody.spawn, { uid: 65_534, gid: 65_534 })
      const copied = (yield* findBinaries(dataDir, nobody, bare)).postgres
      assert.isTrue(copied.startsWith(dataDir))
      assert.isTrue(succeeds("setpriv", "--reuid=65534", "--clear-groups", "--regid=65534", copied, "--version"))
    })
  )

  it.live("a system without programs for it is told to name a server", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      const identity = yield* chooseIdentity(folder)
      const error = yield* Effect.flip(findBinaries(folder, identity, path.join(folder, "not installed")))
      assert.strictEqual(error.reason._tag, "Unsupported")
      assert.include(error.message, "DATABASE_URL")
      assert.notInclude(error.message, "\n")
    })
  )

  it.live("a cluster of another major version is left alone and named", () =>
    Effect.gen(function* () {
      const dataDir = yield* scratch
      fs.mkdirSync(path.join(dataDir, "cluster"))
      fs.writeFileSync(path.join(dataDir, "cluster", "PG_VERSION"), "17\n")
      const error = yield* Effect.flip(Effect.scoped(startEmbeddedPostgres({ dataDir })))
      assert.strictEqual(error.reason._tag, "OtherVersion")
      assert.match(error.message, /PostgreSQL 17, this is 18/)
      assert.deepStrictEqual(fs.readdirSync(path.join(dataDir, "cluster")), ["PG_VERSION"])
    })
  )

  it.live("a server that cannot start says why, in the words of its log", () =>
    Effect.gen(function* () {
      const dataDir = yield* scratch
      const settings = { shared_buffers: "lots" }
      const error = yield* Effect.flip(Effect.scoped(startEmbeddedPostgres({ dataDir, settings })))
      assert.strictEqual(error.reason._tag, "StartFailed")
      assert.match(error.message, /invalid value for parameter "shared_buffers": "lots"/)
    })
  )

  it.live("a data directory inside a file is told apart from a broken server", () =>
    Effect.gen(function* () {
      const file = path.join(yield* scratch, "file")
      fs.writeFileSync(file, "")
      const error = yield* Effect.flip(Effect.scoped(startEmbeddedPostgres({ dataDir: path.join(file, "data") })))
      assert.strictEqual(error.reason._tag, "ReadOnly")
      assert.include(error.message, "DATA_DIR")
    })
  )

  it.live.runIf(root)("root without namespaces runs it as a uid that then owns the directory", () =>
    Effect.gen(function* () {
      const folder = yield* scratch
      fs.chmodSync(folder, 0o755)
      const dataDir = path.join(folder, "data")
      for (const _ of ["made", "opened again"]) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const server = yield* startEmbeddedPostgres({ dataDir, identities: ["uid"] })
            const sql = yield* connect(server.url)
            assert.deepStrictEqual(yield* sql`SELECT 1 AS one`, [{ one: 1 }])
            assert.strictEqual(fs.statSync(`/proc/${postmaster(dataDir)}`).uid, 65_534)
          })
        )
      }
      // With namespaces back, the directory's owner still decides.
      const again = yield* startEmbeddedPostgres({ dataDir })
      assert.isFalse(again.joined)
    })
  )

  it.live.runIf(root)("root with neither namespace nor an identity that may enter is told so", () =>
    Effect.gen(function* () {
      const dataDir = path.join(yield* scratch, "data")
      const error = yield* Effect.flip(Effect.scoped(startEmbeddedPostgres({ dataDir, identities: ["uid"] })))
      assert.strictEqual(error.reason._tag, "NamespaceRefused")
      assert.include(error.message, "DATABASE_URL")
      assert.strictEqual(fs.statSync(dataDir).uid, 0)
    })
  )

  it.live.runIf(mayMount)("a disk that is full, at the first start or at a later one, is named in one line", () =>
    Effect.gen(function* () {
      const dataDir = yield* scratch
      const small = mounting(`mount -t tmpfs -o size=20m tmpfs '${dataDir}'`)
      const first = yield* user({ dataDir }, small)
      assert.strictEqual(first.first.failed, "DiskFull")
      assert.match(first.first.message ?? "", /^no space left on the disk of .*DATABASE_URL/)

      const sound = yield* scratch
      yield* Effect.scoped(startEmbeddedPostgres({ dataDir: sound }))
      const filled = mounting(
        `mount -t tmpfs -o size=80m tmpfs '${dataDir}' && cp -a '${sound}/.' '${dataDir}' && { cat /dev/zero >'${dataDir}/ballast' 2>/dev/null || true; }`
      )
      const later = yield* user({ dataDir }, filled)
      assert.strictEqual(later.first.failed, "DiskFull")
    })
  )

  it.live.runIf(mayMount)("a read-only disk is named in one line", () =>
    Effect.gen(function* () {
      const dataDir = yield* scratch
      const readOnly = mounting(`mount --bind '${dataDir}' '${dataDir}' && mount -o remount,bind,ro '${dataDir}'`)
      const one = yield* user({ dataDir }, readOnly)
      assert.strictEqual(one.first.failed, "ReadOnly")
      assert.match(one.first.message ?? "", /cannot be written .*DATABASE_URL/)
    })
  )
})
