/** The naive model in Python against real processes: at length under CI, else as briefly as it can be. */
import { assert, describe, it } from "@effect/vitest"
import { spawn, spawnSync } from "node:child_process"
import * as path from "node:path"
import { isCi } from "../support/kafka/isCi.ts"

const model = path.join(import.meta.dirname, "model.py")

const hasPython = spawnSync("python3", ["-c", "import sys; sys.exit(sys.version_info < (3, 9))"]).status === 0

/** What is played: `npm run tree:model` takes the same. */
const length = isCi ? { operations: 20_000, kills: 14, every: 20 } : { operations: 300, kills: 2, every: 1 }

const play = (args: ReadonlyArray<string>) =>
  new Promise<{ readonly code: number | null; readonly out: string }>((resolve) => {
    const child = spawn("python3", [model, ...args], { stdio: ["ignore", "pipe", "inherit"] })
    let out = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text
    })
    child.on("close", (code) => resolve({ code, out }))
  })

describe("trees of items", () => {
  if (!hasPython && !isCi) {
    process.stderr.write(
      "\nNOT TESTED: trees of items beside the model in Python, for there is no python3 (3.9 or newer)\n\n"
    )
  }
  it.skipIf(!hasPython && !isCi)(
    "are what a model in Python says, after five users changed them while the worker was killed",
    async () => {
      const options = Object.entries({ ...length, seed: 3 }).flatMap(([name, value]) => [`--${name}`, String(value)])
      const { code, out } = await play(options)
      assert.strictEqual(code, 0, out)
      const report = JSON.parse(out.trim().split("\n").at(-1)!)
      assert.deepInclude(report, { differences: 0, seed: 3 })
      assert.isAbove(report.accepted, length.operations * 0.66)
      assert.isAtLeast(report.kills, length.kills)
    },
    900_000
  )
})
