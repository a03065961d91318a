/**
 * A way to a server that can be disturbed: it listens on loopback and forwards
 * to the server. `cut` ends every connection, `hold` keeps them open and lets
 * nothing through, `refuse` takes no new ones.
 */
import type { Scope } from "effect"
import { Effect } from "effect"
import * as net from "node:net"

export interface Proxy {
  readonly port: number
  readonly cut: () => void
  readonly hold: (held: boolean) => void
  readonly refuse: (refused: boolean) => void
}

/** Listens until the scope closes. `target` says where the server is, for each connection anew. */
export const startProxy = (target: () => net.NetConnectOpts): Effect.Effect<Proxy, Error, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ server: net.Server; proxy: Proxy }, Error>((resume) => {
        const pairs = new Set<readonly [net.Socket, net.Socket]>()
        let held = false
        let refused = false

        const cut = () => {
          for (const [near, far] of pairs) {
            near.resetAndDestroy()
            far.destroy()
          }
        }

        const server = net.createServer({ noDelay: true, pauseOnConnect: true }, (near) => {
          if (refused) return near.resetAndDestroy()
          const far = net.connect(target())
          const pair = [near, far] as const
          pairs.add(pair)
          const end = () => {
            pairs.delete(pair)
            near.destroy()
            far.destroy()
          }
          near.on("error", end).on("close", end)
          far.on("error", end).on("close", end)
          near.on("data", (bytes) => {
            if (!far.write(bytes)) near.pause()
          })
          far.on("data", (bytes) => {
            if (!near.write(bytes)) far.pause()
          })
          far.on("drain", () => held || near.resume())
          near.on("drain", () => held || far.resume())
          if (held) far.pause()
          else near.resume()
        })
        server.on("error", (error) => resume(Effect.fail(error)))
        server.listen(0, "127.0.0.1", () =>
          resume(
            Effect.succeed({
              server,
              proxy: {
                port: (server.address() as net.AddressInfo).port,
                cut,
                hold: (wanted) => {
                  held = wanted
                  for (const pair of pairs)
                    for (const end of pair)
                      if (held) end.pause()
                      else end.resume()
                },
                refuse: (wanted) => {
                  refused = wanted
                  if (refused) cut()
                }
              }
            })
          )
        )
      }),
      ({ server, proxy }) =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          proxy.cut()
        })
    ),
    ({ proxy }) => proxy
  )
