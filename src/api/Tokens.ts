/**
 * Bearer tokens. A token is `pr_<id>.<secret>`; the secret is 32 random bytes
 * and only its SHA-256 is kept (a slow hash protects weak secrets, and this is
 * none). The first start makes one and shows it once.
 */
import { Cache, Context, Effect, Exit, Layer } from "effect"
import type { SqlError } from "effect/sql"
import { SqlClient } from "effect/sql"
import { hash, randomBytes, timingSafeEqual } from "node:crypto"

export class Tokens extends Context.Service<
  Tokens,
  {
    /** Makes a token and answers it in clear, for the only time. */
    readonly make: (name: string) => Effect.Effect<string, SqlError.SqlError>
    /** Whether there is one. */
    readonly some: Effect.Effect<boolean, SqlError.SqlError>
    /** Makes one where there is none; null where there is. */
    readonly first: Effect.Effect<string | null, SqlError.SqlError>
    readonly isValid: (token: string) => Effect.Effect<boolean, SqlError.SqlError>
  }
>()("postroom/api/Tokens") {}

const digestOf = (secret: string): string => hash("sha256", secret)

const shape = /^pr_([0-9a-f]{12})\.([0-9A-Za-z_-]{43})$/

/** How long what was found may be old: a token that was taken back works no longer than this. */
const remembered = "10 seconds"

const equal = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(a, "hex"), Buffer.from(b, "hex"))

export const layer = Layer.effect(
  Tokens,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    // Of many requests at once, one asks and the others wait for its answer.
    const digests = yield* Cache.makeWith(
      (id: string) =>
        Effect.map(
          sql<{ digest: string }>`UPDATE token SET last_used_at = now() WHERE id = ${id} RETURNING digest`,
          ([row]) => row?.digest ?? null
        ),
      {
        capacity: 1_000,
        timeToLive: (exit) => (Exit.isSuccess(exit) && exit.value !== null ? remembered : 0)
      }
    )

    const make = Effect.fnUntraced(function* (name: string) {
      const id = randomBytes(6).toString("hex")
      const secret = randomBytes(32).toString("base64url")
      yield* sql`INSERT INTO token (id, name, digest, role) VALUES (${id}, ${name}, ${digestOf(secret)}, 'admin')`
      return `pr_${id}.${secret}`
    })

    const isValid = (token: string) => {
      const match = shape.exec(token)
      if (match === null) return Effect.succeed(false)
      const digest = digestOf(match[2]!)
      return Effect.map(Cache.get(digests, match[1]!), (kept) => kept !== null && equal(kept, digest))
    }

    const some = Effect.map(sql<{ some: boolean }>`SELECT EXISTS (SELECT 1 FROM token) AS some`, ([row]) => row!.some)

    return Tokens.of({
      make,
      some,
      first: Effect.gen(function* () {
        return (yield* some) ? null : yield* make("first")
      }),
      isValid
    })
  })
)
