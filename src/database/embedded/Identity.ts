/**
 * Under which identity the server runs. PostgreSQL refuses root, so root takes a user namespace in
 * which it is `nobody` (files stay root's, directories of mode 0700 stay enterable), or, where
 * namespaces are refused, as in many containers, another uid that then owns the data directory.
 */
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { EmbeddedPostgresError, NamespaceRefused, reasonOfCause } from "./EmbeddedPostgresError.ts"

/** A way to run PostgreSQL's programs: words before the command, and ids for the child process. */
export interface Identity {
  readonly kind: "self" | "namespace" | "uid"
  readonly prefix: ReadonlyArray<string>
  readonly spawn: { readonly uid?: number; readonly gid?: number }
}

/** Which identities root may try, first to last; tests narrow it. */
export type IdentityKind = "namespace" | "uid"

/** The uid and gid that every system knows as nobody's; initdb insists that its uid has a name. */
const nobody = 65534

/** The whole environment of PostgreSQL's programs: nothing of ours (PGOPTIONS, LD_PRELOAD) reaches them. */
export const childEnvironment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LC_ALL: "C"
}

/** Without any change: what an ordinary user takes. */
export const asOurselves: Identity = { kind: "self", prefix: [], spawn: {} }
const namespace: Identity = {
  kind: "namespace",
  prefix: ["unshare", "--user", `--map-user=${nobody}`, `--map-group=${nobody}`, "--"],
  spawn: {}
}
const other = (uid: number, gid: number): Identity => ({ kind: "uid", prefix: [], spawn: { uid, gid } })

/** Whether a program run as `identity` may write into `directory`, and what it said if not. */
const mayWrite = (identity: Identity, directory: string): string | undefined => {
  const [command, ...args] = [...identity.prefix, "/bin/sh", "-c", 'cd "$1" && test -w .', "sh", directory]
  const result = spawnSync(command ?? "", args, {
    ...identity.spawn,
    cwd: "/",
    env: childEnvironment,
    encoding: "utf8",
    timeout: 10_000
  })
  if (result.status === 0) return undefined
  return result.error?.message ?? (result.stderr.trim().split("\n").at(-1) || "no access")
}

const hasName = (): boolean => {
  try {
    os.userInfo()
    return true
  } catch {
    return false
  }
}

/** Gives `dataDir` and all in it to `uid`; links are not followed. */
const giveTo = (dataDir: string, uid: number, gid: number): void => {
  fs.lchownSync(dataDir, uid, gid)
  for (const name of fs.readdirSync(dataDir, { recursive: true, encoding: "utf8" })) {
    fs.lchownSync(path.join(dataDir, name), uid, gid)
  }
}

/**
 * Chooses the identity for `dataDir`, which exists. An ordinary user is itself (in a namespace if its
 * uid has no name, as in containers with an arbitrary uid). Root takes the owner of the directory if
 * that is not root, else the first of `kinds` that can write there.
 */
export const chooseIdentity = (
  dataDir: string,
  kinds: ReadonlyArray<IdentityKind> = ["namespace", "uid"]
): Effect.Effect<Identity, EmbeddedPostgresError> =>
  Effect.gen(function* () {
    if (process.getuid?.() !== 0) {
      return hasName() || mayWrite(namespace, dataDir) !== undefined ? asOurselves : namespace
    }
    const owner = fs.statSync(dataDir)
    const parent = fs.statSync(path.dirname(dataDir))
    const candidates: ReadonlyArray<Identity> =
      owner.uid !== 0
        ? [other(owner.uid, owner.gid)]
        : kinds.flatMap((kind) =>
            kind === "namespace"
              ? [namespace]
              : [...(parent.uid === 0 ? [] : [other(parent.uid, parent.gid)]), other(nobody, nobody)]
          )
    let detail = "no identity to try"
    for (const candidate of candidates) {
      const { uid, gid } = candidate.spawn
      const given = owner.uid === 0 && uid !== undefined && gid !== undefined
      const refusal = yield* Effect.try({
        try: () => {
          if (given) fs.chownSync(dataDir, uid, gid)
          const refusal = mayWrite(candidate, dataDir)
          if (given && refusal === undefined) giveTo(dataDir, uid, gid)
          if (given && refusal !== undefined) fs.chownSync(dataDir, 0, 0)
          return refusal
        },
        catch: (cause) => new EmbeddedPostgresError({ reason: reasonOfCause(dataDir, cause) })
      })
      if (refusal === undefined) return candidate
      detail = refusal
    }
    return yield* new EmbeddedPostgresError({ reason: new NamespaceRefused({ dataDir, detail }) })
  })
