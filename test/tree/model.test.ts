/** The naive model in Python against real processes, as briefly as it can be: `npm run tree:model` plays it at length. */
import { assert, describe, it } from "@effect/vitest"
import { spawn, spawnSync } from "node:child_process"
import * as path from "node:path"
import { isCi } from "../support/kafka/isCi.ts"

const model = path.join(import.meta.dirname, "model.py")

const hasPython = spawnSync("python3", ["-c", "import sys; sys.exit(sys.version_info < (3, 9))"]).status === 0

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
      const { code, out } = await play(["--operations", "300", "--seed", "3", "--kills", "2", "--every", "1"])
      assert.strictEqual(code, 0, out)
      const report = JSON.parse(out.trim().split("\n").at(-1)!)
      assert.deepInclude(report, { differences: 0, seed: 3 })
      assert.isAbove(report.accepted, 200)
      assert.isAtLeast(report.kills, 2)
    },
    180_000
  )
})
