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
}

/** How long the first difference is waited for, and those by which it is made short. */
const firstMs = 60_000
const whileShrinkingMs = 3_000

/** Dies with the shortest sequence that differs; answers how many commands were played. */
export const check = ({ runs, seed, longest, progress }: Checking) =>
  Effect.gen(function* () {
    const { actors, observer } = makeJobs()
    const { client } = yield* startInstallation({ actors })
    let played = 0
    let run = 0
    let patienceMs = firstMs
    yield* Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(fc.array(command, { minLength: 3, maxLength: longest, size: "max" }), async (commands) => {
          try {
            await play({ client, observer, patienceMs }, `r${run++}`, commands)
          } catch (error) {
            patienceMs = whileShrinkingMs
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
