/** Settings: every key is documented, every example and default is a value, and a wrong value says so. */
import { assert, describe, it } from "@effect/vitest"
import { queueNames } from "../../src/actors/index.ts"
import { envExample } from "../../src/config/example.ts"
import * as http from "../../src/config/http.ts"
import * as models from "../../src/config/models.ts"
import { queueSettings } from "../../src/config/queue.ts"
import * as runtime from "../../src/config/runtime.ts"
import type { Setting } from "../../src/config/Setting.ts"
import * as storage from "../../src/config/storage.ts"
import * as telegram from "../../src/config/telegram.ts"

const settings: ReadonlyArray<Setting<unknown>> = [
  ...[http, models, runtime, storage, telegram].flatMap((module) => Object.values(module) as Array<Setting<unknown>>),
  ...Object.values(queueSettings("my-queue"))
]

describe("settings", () => {
  it("each has an example and a default that are values of it", () => {
    for (const { key, example, fallback, parse } of settings) {
      assert.isDefined(parse(example), `${key}=${example}`)
      assert.isDefined(parse(fallback), `${key}=${fallback}`)
    }
  })

  it("each is described in .env.example, once, with its shape", () => {
    const text = envExample(queueNames)
    for (const { key, about, shape } of settings.filter(({ key }) => !key.startsWith("QUEUE_"))) {
      assert.lengthOf(
        text.split("\n").filter((line) => line.startsWith(`#${key}=`)),
        1,
        key
      )
      assert.include(text, `# ${about}\n# ${shape}`)
    }
  })

  it("no key stands for two settings", () => {
    assert.strictEqual(new Set(settings.map(({ key }) => key)).size, settings.length)
  })

  it("numbers, times, rates and words take nothing else", () => {
    const of = queueSettings("publisher")
    const takes = (setting: Setting<unknown>, text: string, value: unknown) =>
      assert.deepStrictEqual(setting.parse(text), value, text)
    for (const text of ["0", "-1", "1.5", "1e3", "many", " 5"]) takes(of.concurrency, text, undefined)
    takes(of.concurrency, "50", 50)
    takes(of.timeoutMs, "2 minutes", 120_000)
    for (const text of ["2", "soon", "-1 second"]) takes(of.timeoutMs, text, undefined)
    takes(of.rate, "20/1 minute", { count: 20, perMs: 60_000 })
    takes(of.rate, "3 / 2 seconds", { count: 3, perMs: 2_000 })
    for (const text of ["20", "0/1 minute", "20/0 seconds", "20/often"]) takes(of.rate, text, undefined)
    takes(of.priority, "HIGH", undefined)
    takes(of.priority, "high", "high")
  })
})
