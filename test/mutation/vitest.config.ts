/**
 * The tests that a mutant has to pass: those of the runtime that need nothing
 * but memory, all in one thread. Those of single parts come first: they take
 * the least time to find most mutants.
 */
import { defineConfig } from "vitest/config"
import { BaseSequencer } from "vitest/node"
import type { TestSpecification } from "vitest/node"

/** Tests that start no worker. */
const ofParts =
  /(domain|alone|attempts|dispatcher|flush|settlement|taken|structures|mailboxes|mailbox\.states)\.test\.ts$/

class PartsFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>) {
    const isOfPart = ({ moduleId }: TestSpecification) => ofParts.test(moduleId)
    return [...files.filter(isOfPart), ...files.filter((file) => !isOfPart(file))]
  }
}

export default defineConfig({
  test: {
    include: ["test/unit/runtime.*.test.ts", "test/unit/domain.test.ts"],
    setupFiles: ["test/mutation/patience.ts"],
    sequence: { sequencer: PartsFirst },
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
