/**
 * What is mended in kafkajs, which is no longer maintained: one place, for one
 * version. Where the version is another, nothing is changed and that is said.
 */
import { Effect } from "effect"
import { createRequire } from "node:module"

const require = createRequire(import.meta.url)

/** The version these mends were written for. */
export const mendedVersion = "2.2.4"

interface RequestQueue {
  readonly pending: ReadonlyArray<unknown>
  scheduleCheckPendingRequests(): void
}

const mended = Symbol.for("postroom.mended")

/**
 * After each answer kafkajs sets a timer for requests that are held back, also where none is: with a negative time,
 * which rings at once, and so for ever. It costs some percent of a core per connection, and Node 24 warns of it.
 */
export const mendRequestQueue = Effect.suspend(() => {
  const { version } = require("kafkajs/package.json") as { readonly version: string }
  if (version !== mendedVersion)
    return Effect.logWarning(`kafkajs ${version} is not the version that is mended here (${mendedVersion})`)
  const { prototype } = require("kafkajs/src/network/requestQueue") as {
    readonly prototype: RequestQueue & { [mended]?: true }
  }
  if (prototype[mended] === true) return Effect.void
  const schedule = prototype.scheduleCheckPendingRequests
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this)
  }
  prototype[mended] = true
  return Effect.void
})
