/** What the process itself uses; asked for when somebody reads the metrics. */
import { Effect, Metric } from "effect"

const memory = Metric.gauge("process_resident_memory_bytes", { description: "Resident memory of the process" })
const heap = Metric.gauge("process_heap_bytes", { description: "JavaScript heap in use" })
const uptime = Metric.gauge("process_uptime_seconds", { description: "Time since the process started" })
const cpu = Metric.gauge("process_cpu_seconds", { description: "User and system time the process has used" })

/** Sets the gauges of this process. */
export const measureProcess: Effect.Effect<void> = Effect.suspend(() => {
  const { rss, heapUsed } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  return Effect.all(
    [
      Metric.update(memory, rss),
      Metric.update(heap, heapUsed),
      Metric.update(uptime, process.uptime()),
      Metric.update(cpu, (user + system) / 1e6)
    ],
    { discard: true }
  )
})
