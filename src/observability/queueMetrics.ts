/** What stands in the queues, as gauges; asked for when somebody reads the metrics. */
import { Effect, Metric } from "effect"

const gauges = {
  unread: Metric.gauge("queue_unread_records", {
    description: "Records of the queue's topic that have no task row yet"
  }),
  queued: Metric.gauge("queue_queued_tasks", { description: "Tasks with a row that wait" }),
  running: Metric.gauge("queue_running_tasks", { description: "Tasks that have been running for a while" }),
  failed: Metric.gauge("queue_failed_tasks", { description: "Tasks that failed, counted up to ten thousand" })
}

type Figures = Readonly<Record<keyof typeof gauges, number>> & { readonly name: string }

/** Sets the gauges of each queue. */
export const measureQueues = (queues: ReadonlyArray<Figures>): Effect.Effect<void> =>
  Effect.forEach(
    queues,
    (queue) =>
      Effect.forEach(
        Object.entries(gauges) as Array<[keyof typeof gauges, (typeof gauges)[keyof typeof gauges]]>,
        ([name, gauge]) => Metric.update(Metric.withAttributes(gauge, { queue: queue.name }), queue[name]),
        { discard: true }
      ),
    { discard: true }
  )
