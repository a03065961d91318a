/**
 * Steps against a flaky HTTP server: the result of each step is kept before the
 * handler goes on, so a retry repeats only what failed. The payment is made once.
 *
 *     npx postroom start --actors examples/steps.ts
 *     npx postroom produce order --user ann --data '{"item":"tea"}' --actors examples/steps.ts
 */
import { Effect, Schema } from "effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Actor, Topic } from "../src/postroom.ts"

let payments = 0
let shipments = 0

// Takes every payment, and fails the first two shipments of each order.
const shop = createServer((request, response) => {
  if (request.url === "/pay") response.end(JSON.stringify({ payment: ++payments }))
  else response.writeHead(++shipments % 3 === 0 ? 200 : 503).end(JSON.stringify({ shipment: shipments }))
})
await new Promise<void>((done) => void shop.listen(0, "127.0.0.1", done))
shop.unref()
const { port } = shop.address() as AddressInfo

const post = (path: string) =>
  Effect.tryPromise(async (signal) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", signal })
    if (!response.ok) throw new Error(`${path} answered ${response.status}`)
    return (await response.json()) as Record<string, number>
  })

const orders = Topic.make({
  name: "orders",
  type: "order",
  description: "Something was ordered. Key: user.",
  value: Schema.Struct({ item: Schema.String })
})

export const shopkeeper = Actor.make({
  name: "shopkeeper",
  topic: orders,
  retry: { attempts: 5, backoffMs: 30 },
  handler: ({ item }, task) =>
    Effect.gen(function* () {
      const { payment } = yield* task.step("pay", post("/pay"))
      const { shipment } = yield* task.step("ship", post("/ship"))
      return { item, payment, shipment }
    })
})

/** Three attempts, one payment. */
export const check = {
  events: [{ type: "order", user: "ann", data: { item: "tea" } }],
  results: [{ user: "ann", status: "succeeded", attempt: 3, result: { item: "tea", payment: 1, shipment: 3 } }]
}
