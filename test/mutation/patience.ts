/**
 * Ends a run whose test hangs, as many mutants do. It counts the seconds that
 * the process was let run, not those of the clock: a machine that stands still
 * for a while must not look like a killed mutant.
 */
import * as fc from "fast-check"
import { afterEach, beforeEach } from "vitest"

/** The slowest test takes half a second. */
const patience = 30

// The same mutants die with every run, and at once: nobody reads the smallest counterexample.
fc.configureGlobal({ seed: 1, endOnFailure: true })

let left = patience
let watch: NodeJS.Timeout | undefined

beforeEach(() => {
  left = patience
  watch = setInterval(() => {
    // Vitest would only let the test fail, and go on waiting for what hangs.
    if (--left === 0) process.kill(process.pid, "SIGKILL")
  }, 1_000)
})

afterEach(() => clearInterval(watch))
