import { defineConfig } from "vitest/config"

const simulation = "test/simulation/*.test.ts"

const common = { pool: "forks", testTimeout: 60_000, hookTimeout: 60_000 } as const

export default defineConfig({
  test: {
    globalSetup: "test/support/kafka/keeper.ts",
    maxWorkers: 2,
    projects: [
      {
        // Plays its seeds on a thread per core: first, and with nothing beside it.
        test: { name: "simulation", include: [simulation], sequence: { groupOrder: 0 }, ...common }
      },
      {
        test: {
          name: "postroom",
          include: ["test/**/*.test.ts"],
          exclude: [simulation],
          sequence: { groupOrder: 1 },
          ...common
        }
      }
    ]
  }
})
