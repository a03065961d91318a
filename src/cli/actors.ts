/** The actors of a process: Postroom's own, those of a file, and what the environment says about each queue. */
import { Data, Effect } from "effect"
import { existsSync } from "node:fs"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import { makeActors } from "../actors/index.ts"
import type { Missing } from "../actors/index.ts"
import { readQueue } from "../config/queue.ts"
import type { Actor } from "../runtime/Actor.ts"

/** A file of actors cannot be used. */
export class ActorsRefused extends Data.TaggedError("ActorsRefused")<{
  readonly file: string
  readonly detail: string
}> {
  override get message() {
    return `${this.file}: ${this.detail}`
  }
}

/** Why a module could not be loaded, with the line where that is known. */
const whyNot = (file: string, cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  if (!existsSync(file)) return "there is no such file"
  const line = /^file:.*:(\d+)$/.exec(cause.stack?.split("\n", 1)[0] ?? "")?.[1]
  return `${line === undefined ? "" : `line ${line}: `}${cause.name === "Error" ? "" : `${cause.name}: `}${cause.message}`
}

const isActor = (value: unknown): value is Actor<any> =>
  typeof value === "object" && value !== null && "handler" in value && "topic" in value && "policy" in value

/** Every actor that a module exports, by itself or in a list. */
export const loadActors = (file: string) =>
  Effect.gen(function* () {
    const exported = yield* Effect.tryPromise({
      try: () => import(pathToFileURL(path.resolve(file)).href) as Promise<Record<string, unknown>>,
      catch: (cause) => new ActorsRefused({ file, detail: whyNot(file, cause) })
    })
    // The same actor may be exported twice, by itself and in a list.
    const actors = [...new Set(Object.values(exported).flat().filter(isActor))]
    if (actors.length === 0) {
      return yield* new ActorsRefused({ file, detail: "exports no actor: export what Actor.make returns" })
    }
    return actors
  })

const namePattern = /^[a-z][a-z0-9-]{0,62}$/

const configured = <R>(actor: Actor<R>) =>
  Effect.map(readQueue(actor.name), (set): Actor<R> => {
    const { policy } = actor
    return {
      ...actor,
      policy: {
        concurrency: set.concurrency ?? policy.concurrency,
        timeoutMs: set.timeoutMs ?? policy.timeoutMs,
        rate: set.rate ?? policy.rate,
        priority: set.priority ?? policy.priority,
        retry: {
          ...policy.retry,
          attempts: set.attempts ?? policy.retry.attempts,
          backoffMs: set.backoffMs ?? policy.retry.backoffMs,
          capMs: set.capMs ?? policy.retry.capMs
        }
      }
    }
  })

/** All actors of the installation, with the settings of their queues. */
export const readActors = (missing: Missing, file: string | null) =>
  Effect.gen(function* () {
    const own = file === null ? [] : yield* loadActors(file)
    const actors = [...makeActors(missing), ...own]
    const names = new Set<string>()
    for (const { name } of actors) {
      if (!namePattern.test(name)) {
        return yield* new ActorsRefused({
          file: file ?? "",
          detail: `"${name}" is no queue name: lower-case letters, digits and hyphens`
        })
      }
      if (names.has(name)) {
        return yield* new ActorsRefused({ file: file ?? "", detail: `two actors are called "${name}"` })
      }
      names.add(name)
    }
    return yield* Effect.forEach(actors, (actor) => configured(actor))
  })
