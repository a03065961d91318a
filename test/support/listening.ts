/** A plain HTTP server of a test on a port of its own, gone with the scope. */
import { Effect } from "effect"
import { once } from "node:events"
import type { Server } from "node:http"
import type { AddressInfo } from "node:net"

/** Has the server listen on loopback; answers its port. */
export const listening = (make: () => Server) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const server = make().listen(0, "127.0.0.1")
        await once(server, "listening")
        return server
      }),
      (server) =>
        Effect.sync(() => {
          server.closeAllConnections()
          server.close()
        })
    ),
    (server) => (server.address() as AddressInfo).port
  )
