/** The tests that a mutant has to pass: those of the runtime that need nothing but memory, all in one thread. */
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/unit/runtime.*.test.ts", "test/unit/domain.test.ts"],
    setupFiles: ["test/mutation/patience.ts"],
    pool: "threads",
    isolate: false,
    maxWorkers: 1,
    bail: 1,
    reporters: ["dot"],
    // What hangs is ended by patience.ts, what spins by the limit of processor time.
    testTimeout: 3_600_000,
    hookTimeout: 3_600_000
  }
})
