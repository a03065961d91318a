/** Free ports of this machine. */
import { Effect } from "effect"
import * as net from "node:net"

const listen = Effect.acquireRelease(
  Effect.callback<net.Server>((resume) => {
    const server = net.createServer().listen(0, () => resume(Effect.succeed(server)))
  }),
  (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
)

/** All are held until every one is known, so that no two are the same. */
export const freePorts = (count: number): Effect.Effect<ReadonlyArray<number>> =>
  Effect.scoped(
    Effect.map(Effect.replicateEffect(listen, count), (servers) =>
      servers.map((server) => (server.address() as net.AddressInfo).port)
    )
  )
