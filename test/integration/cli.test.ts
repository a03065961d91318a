/** What stops a start before anything runs: settings, roles and files of actors, each with the words that help. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import { loadActors, readActors } from "../../src/cli/actors.ts"
import { readRoles } from "../../src/cli/roles.ts"
import { readSettings } from "../../src/config/settings.ts"

const withEnvironment = (values: Record<string, string>) =>
  Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: values })))

const refused = <A, E extends { readonly message: string }>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(effect), (error) => error.message)

const source = (file: string) => pathToFileURL(path.resolve("src", file)).href

const inFolder = <A, E>(use: (write: (name: string, text: string) => string) => Effect.Effect<A, E>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(path.join(os.tmpdir(), "postroom-test-"))),
    (folder) =>
      use((name, text) => {
        const file = path.join(folder, name)
        writeFileSync(file, text)
        return file
      }),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  )

const actorText = (name: string, topic = name) => `
import * as Actor from ${JSON.stringify(source("runtime/Actor.ts"))}
import * as Topic from ${JSON.stringify(source("topics/Topic.ts"))}
import { Effect, Schema } from ${JSON.stringify(pathToFileURL(path.resolve("node_modules/effect/dist/index.js")).href)}
const topic = Topic.make({ name: "${topic}", type: "${topic}", description: "", value: Schema.Struct({}) })
export const one = Actor.make({ name: "${name}", topic, handler: () => Effect.void })
export const all = [one]
`

const missing = { telegram: null, models: null }

describe("a start", () => {
  it.effect("refuses a wrong setting with its key, the value's shape and an example", () =>
    Effect.gen(function* () {
      const wrong: Record<string, string> = {
        HTTP_PORT: "eighty",
        WORKER_SLOTS: "0",
        DRAIN_TIMEOUT: "soon",
        LOG_LEVEL: "loud"
      }
      for (const [key, value] of Object.entries(wrong)) {
        const message = yield* refused(readSettings.pipe(withEnvironment({ [key]: value })))
        assert.match(message, new RegExp(`^${key} must be .+, for example ${key}=.+`), key)
      }
    })
  )

  it.effect("refuses a wrong setting of one queue, and takes a right one over what the actor says", () =>
    Effect.gen(function* () {
      const message = yield* refused(readActors(missing, null).pipe(withEnvironment({ QUEUE_PUBLISHER_RATE: "fast" })))
      assert.match(message, /^QUEUE_PUBLISHER_RATE must be a number, a slash and a length of time, for example/)
      const environment = {
        QUEUE_PUBLISHER_RATE: "20/1 minute",
        QUEUE_PUBLISHER_ATTEMPTS: "9",
        QUEUE_REWRITER_TIMEOUT: "5 seconds"
      }
      const actors = yield* readActors(missing, null).pipe(withEnvironment(environment))
      const publisher = actors.find(({ name }) => name === "publisher")!
      assert.deepStrictEqual(publisher.policy.rate, { count: 20, perMs: 60_000 })
      assert.strictEqual(publisher.policy.retry.attempts, 9)
      assert.strictEqual(actors.find(({ name }) => name === "rewriter")!.policy.timeoutMs, 5_000)
    })
  )

  it.effect("knows its roles, and names them to who asks for another", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual([...(yield* readRoles(null, ["a", "b"]))], ["api", "a", "b"])
      assert.deepStrictEqual([...(yield* readRoles(" b , api", ["a", "b"]))], ["b", "api"])
      assert.strictEqual(yield* refused(readRoles("cook", ["a"])), 'there is no role "cook": known are api, a')
      assert.strictEqual(yield* refused(readRoles(",", ["a"])), "--roles names none: known are api, a")
    })
  )

  it.live("takes the actors of a file, once each however they are exported", () =>
    inFolder((write) =>
      Effect.gen(function* () {
        const actors = yield* loadActors(write("mine.ts", actorText("mine")))
        assert.deepStrictEqual(
          actors.map(({ name }) => name),
          ["mine"]
        )
      })
    )
  )

  it.live("says of a file of actors what is wrong with it", () =>
    inFolder((write) =>
      Effect.gen(function* () {
        const because = (file: string) => refused(readActors(missing, file).pipe(withEnvironment({})))
        assert.match(yield* because("nowhere.ts"), /^nowhere\.ts: there is no such file$/)
        assert.match(
          yield* because(write("none.ts", "export const x = 1")),
          /exports no actor: export what Actor\.make returns$/
        )
        assert.match(
          yield* because(write("throws.ts", "throw new TypeError('no luck')")),
          /throws\.ts: .*TypeError: no luck$/
        )
        assert.match(
          yield* because(write("import.ts", "import 'not-installed-anywhere'")),
          /Cannot find package 'not-installed-anywhere'/
        )
        assert.match(
          yield* because(write("name.ts", actorText("My Actor"))),
          /"My Actor" is no queue name: lower-case letters, digits and hyphens$/
        )
        assert.match(yield* because(write("twice.ts", actorText("publisher"))), /two actors are called "publisher"$/)
      })
    )
  )
})
