/**
 * A bell one fiber waits on and anybody may ring. Rings that come while nobody
 * waits are remembered as one, so none is lost between a look and a wait.
 */
import { Effect } from "effect"

export interface Signal {
  /** Wakes the waiter, or lets the next wait pass at once. Callable from plain code. */
  readonly ring: () => void
  /** Waits for the next ring. One waiter at a time. */
  readonly wait: Effect.Effect<void>
}

export const makeSignal = (): Signal => {
  let rung = false
  let waiter: (() => void) | undefined
  return {
    ring: () => {
      if (waiter === undefined) {
        rung = true
        return
      }
      const wake = waiter
      waiter = undefined
      wake()
    },
    wait: Effect.callback<void>((resume) => {
      if (rung) {
        rung = false
        resume(Effect.void)
        return
      }
      waiter = () => resume(Effect.void)
      return Effect.sync(() => {
        waiter = undefined
      })
    })
  }
}
