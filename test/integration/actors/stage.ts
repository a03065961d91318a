/**
 * One stage of the pipeline on the real runtime, broker and journal, towards a sandbox Telegram and a
 * sandbox model of its own over real sockets; what it hands on is caught by a probe.
 */
import { Context, Effect } from "effect"
import { makeOpenAiSandbox } from "../../../src/sandbox/openai/OpenAiSandbox.ts"
import type { Sandbox } from "../../../src/sandbox/Sandbox.ts"
import { startTelegramServer } from "../../../src/sandbox/telegram/TelegramServer.ts"
import type { WorldPost } from "../../../src/sandbox/telegram/WorldModel.ts"
import * as Actor from "../../../src/runtime/Actor.ts"
import { Blobs } from "../../../src/services/blobs/Blobs.ts"
import type { Topic } from "../../../src/topics/Topic.ts"
import { startSandboxInstallation, untilOver } from "../../scenarios/Installation.ts"
import { serverKey } from "../telegram/sandbox.ts"

export const assignment = { target: "target_channel", style: "plainly", language: "en" }

/** A post on its way, with what a test wants to be different. */
export const rewritten = (
  title: string,
  images: ReadonlyArray<{ readonly sha256: string; readonly mime: string }> = []
) => ({
  id: `s/${title}`,
  source: "s",
  title,
  text: `Words about ${title}.`,
  tags: ["news"],
  url: null,
  images
})

/** A stage, and whoever reads what it writes. */
export const startStage = (options: {
  readonly actors: ReadonlyArray<Actor.Actor<any>>
  readonly writes?: Topic<any>
  readonly posts?: ReadonlyArray<WorldPost>
  readonly allowed?: ReadonlyArray<string>
  readonly webUrl?: string
}) =>
  Effect.gen(function* () {
    const telegram = yield* startTelegramServer({
      key: serverKey,
      world: {
        channels: [
          { id: "1001", username: "source_channel", title: "Source", kind: "source", posts: options.posts ?? [] },
          { id: "2002", username: "target_channel", title: "Target", kind: "target" }
        ]
      }
    })
    const openAi = yield* makeOpenAiSandbox({ port: 0 })
    const sandbox = { telegram, openAi, web: { baseUrl: options.webUrl ?? "http://127.0.0.1:9" } } as unknown as Sandbox
    const caught: Array<any> = []
    const probe =
      options.writes === undefined
        ? []
        : [
            Actor.make({
              name: "probe",
              topic: options.writes,
              handler: (value) => Effect.sync(() => void caught.push(value))
            })
          ]
    const installed = yield* startSandboxInstallation({
      actors: [...options.actors, ...probe],
      sandbox,
      ...(options.allowed === undefined ? {} : { allowed: options.allowed })
    })
    const { client, context } = installed
    let count = 0
    /** Posts an event and answers the stage's own task once the flow has ended. */
    const run = (type: string, data: unknown, user = "anna") =>
      Effect.gen(function* () {
        const id = `event ${count++}`
        const receipt = yield* client.post("/events", { id, type, user, data })
        if (receipt.status !== 202) return yield* Effect.die(new Error(JSON.stringify(receipt.body)))
        yield* untilOver(client, id)
        return (yield* client.get(`/tasks/${receipt.body.taskId}`)).body
      })
    const keep = (bytes: Uint8Array) => Context.get(context as Context.Context<Blobs>, Blobs).put(bytes)
    const published = () => telegram.world.byUsername("target_channel")!.posts
    return { client, telegram, openAi, caught, run, keep, published, context }
  })

/** The titles of posts, which are the first line of each. */
export const titlesOf = (posts: ReadonlyArray<{ readonly text: string }>) =>
  posts.map((post) => post.text.split("\n")[0])
