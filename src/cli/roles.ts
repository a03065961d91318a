/** What a process does: serve the API, or run some of the queues. */
import { Data, Effect } from "effect"

/** A role that nothing answers to. */
export class UnknownRole extends Data.TaggedError("UnknownRole")<{
  readonly role: string
  readonly known: ReadonlyArray<string>
}> {
  override get message() {
    return `there is no role "${this.role}": known are ${this.known.join(", ")}`
  }
}

/** The roles of a list like `api,collector`; all of them where nothing is given. */
export const readRoles = (list: string | null, queues: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const known = ["api", ...queues]
    if (list === null) return new Set(known)
    const roles = list
      .split(",")
      .map((role) => role.trim())
      .filter((role) => role !== "")
    for (const role of roles) if (!known.includes(role)) return yield* new UnknownRole({ role, known })
    return new Set(roles)
  })
