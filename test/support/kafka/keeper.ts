/**
 * Keeps the broker that the test files of a run share. It is started by the
 * first file that asks for it, over loopback, and ends with the run; a run
 * without such a file starts nothing. It lives in Vitest's own process, with
 * which a JVM ends even when that is killed.
 */
import type { AddressInfo } from "node:net"
import { createServer } from "node:http"
import type { TestProject } from "vitest/node"

declare module "vitest" {
  interface ProvidedContext {
    /** Where the keeper answers. */
    readonly kafkaKeeper: string
  }
}

/** What the keeper says: what tests can have here, and why not where they cannot. */
export interface KeeperAnswer {
  readonly bootstrap: ReadonlyArray<string> | null
  readonly hasOwn: boolean
  readonly hasSecured: boolean
  readonly reason: string
}

let end: () => Promise<void> = () => Promise.resolve()

export const setup = async (project: TestProject): Promise<void> => {
  let broker: Promise<{ readonly answer: KeeperAnswer; readonly stop: () => Promise<void> }> | undefined
  const server = createServer((_request, response) => {
    broker ??= import("./sharedBroker.ts").then(({ startSharedBroker }) => startSharedBroker())
    void broker.then(({ answer }) => response.end(JSON.stringify(answer)))
  })
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  server.unref()
  project.provide("kafkaKeeper", `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  end = async () => {
    server.closeAllConnections()
    server.close()
    await broker?.then(({ stop }) => stop())
  }
}

export const teardown = (): Promise<void> => end()
