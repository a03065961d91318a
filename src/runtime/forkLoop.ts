/** Loops that run as long as their scope: their end is never silent, unless it was asked for. */
import { Cause, Effect } from "effect"
import type { Scope } from "effect"

/** Logs the failure of `effect` under `name`, unless it was interrupted. */
export const logged = <A, E, R>(name: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.tapCause(effect, (cause) =>
    Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.logError(`${name} ended`, cause)
  )

/** Repeats `round` for ever in a fiber of the scope; a failure is logged under `name`. */
export const forkLoop = <E, R>(
  name: string,
  round: Effect.Effect<unknown, E, R>
): Effect.Effect<void, never, R | Scope.Scope> => Effect.asVoid(Effect.forkScoped(logged(name, Effect.forever(round))))
