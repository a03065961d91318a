/** What a process does: serve the API, or run some of the queues. */
import { Effect } from "effect"
import { WrongUsage } from "./usage.ts"

/** The roles of a list like `api,collector`; all of them where nothing is given. */
export const readRoles = (list: string | null, queues: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const known = ["api", ...queues]
    if (list === null) return new Set(known)
    const roles = list
      .split(",")
      .map((role) => role.trim())
      .filter((role) => role !== "")
    for (const role of roles)
      if (!known.includes(role))
        return yield* new WrongUsage({ detail: `there is no role "${role}": known are ${known.join(", ")}` })
    if (roles.length === 0)
      return yield* new WrongUsage({ detail: `--roles names none: known are ${known.join(", ")}` })
    return new Set(roles)
  })
