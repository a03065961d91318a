/** Many sequences of commands on one installation; the first that differs is made short. */
import { Effect } from "effect"
import * as fc from "fast-check"
import { startInstallation } from "../scenarios/Installation.ts"
import { command } from "./commands.ts"
import { makeJobs } from "./job.ts"
import { play } from "./play.ts"

export interface Checking {
  readonly runs: number
  readonly seed: number
  /** Most commands in a sequence. */
  readonly longest: number
  readonly progress: (run: number) => void
  /** A sequence differs, in these words; it is made short now. */
  readonly found: (words: string) => void
}

/** How long the first difference is waited for, and those by which it is made short. */
const firstMs = 60_000
const whileShrinkingMs = 3_000

/** How long the first one that differs is made shorter: each try is played in real time. */
const mostShrinkingMs = 60_000

/** Dies with the shortest sequence that differs; answers how many commands were played. */
export const check = ({ runs, seed, longest, progress, found }: Checking) =>
  Effect.gen(function* () {
    const { actors, observer } = makeJobs()
    const { client } = yield* startInstallation({ actors })
    let played = 0
    let run = 0
    let patienceMs = firstMs
    let foundAt = Number.POSITIVE_INFINITY
    yield* Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(fc.array(command, { minLength: 3, maxLength: longest, size: "max" }), async (commands) => {
          if (performance.now() - foundAt > mostShrinkingMs) return
          try {
            await play({ client, observer, patienceMs }, `r${run++}`, commands)
          } catch (error) {
            if (patienceMs === firstMs) {
              patienceMs = whileShrinkingMs
              foundAt = performance.now()
              found(String(error))
            }
            throw error
          }
          played += commands.length
          progress(run)
        }),
        { numRuns: runs, seed }
      )
    )
    return { runs: run, commands: played }
  })
