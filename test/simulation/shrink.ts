/**
 * Makes a failing plan shorter: whole classes of faults, then actions in ever
 * smaller pieces, then workers are left out as long as the same invariant
 * still breaks. What is left is the shortest history found.
 */
import { hash } from "node:crypto"
import { check } from "./checker/check.ts"
import type { Violation } from "./History.ts"
import type { Action, Plan } from "./Plan.ts"
import { play } from "./Simulation.ts"
import type { Played } from "./Simulation.ts"

export interface Found {
  readonly plan: Plan
  readonly played: Played
  readonly violations: ReadonlyArray<Violation>
}

/** Plays and checks a plan. */
export const judge = (plan: Plan): Found => {
  const played = play(plan)
  return { plan, played, violations: check(played) }
}

/** The shortest plan found that breaks the same invariant, within a number of tries. */
export const shrink = (found: Found, tries = 300): Found => {
  const wanted = found.violations[0]!.invariant
  let best = found
  let tried = 0
  const isOver = () => tried >= tries
  const attempt = (plan: Plan): boolean => {
    if (isOver()) return false
    tried++
    const one = judge(plan)
    if (!one.violations.some(({ invariant }) => invariant === wanted)) return false
    best = one
    return true
  }
  for (const name of found.plan.classes)
    attempt({ ...best.plan, classes: best.plan.classes.filter((one) => one !== name) })
  for (let size = Math.ceil(best.plan.actions.length / 2); size >= 1 && !isOver(); size = Math.floor(size / 2)) {
    for (let from = 0; from < best.plan.actions.length && !isOver();) {
      const actions: ReadonlyArray<Action> = best.plan.actions
      const rest = [...actions.slice(0, from), ...actions.slice(from + size)]
      if (!attempt({ ...best.plan, actions: rest })) from += size
    }
  }
  while (best.plan.workers > 1 && attempt({ ...best.plan, workers: best.plan.workers - 1 })) continue
  return best
}

const bytes = (_: string, value: unknown): unknown =>
  value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value instanceof Set ? [...value] : value

/** A history as lines of JSON. */
export const linesOf = ({ history }: Played): string => history.map((line) => JSON.stringify(line, bytes)).join("\n")

/** Two runs with the same trace did the same. */
export const traceOf = ({ played }: Found): string => hash("sha1", `${played.steps} ${linesOf(played)}`)
