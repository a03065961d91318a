/** The report of a campaign, as Markdown. */
import * as os from "node:os"
import type { CampaignResult } from "./campaign.ts"
import { besideAnother } from "./recoveries.ts"
import type { Spread } from "./recoveries.ts"

const words: Readonly<Record<string, string>> = {
  worker: "`kill -9` of a worker",
  group: "`kill -9` of API, workers and client at once",
  leave: "a worker told to end, which drains and comes back after 2 to 6 s",
  api: "`kill -9` of the API",
  client: "`kill -9` of the client",
  stop: "a worker frozen for longer than its session's time-out, then woken",
  postgres: "`kill -9` of the postmaster, or of every process of the database",
  backends: "`kill -9` of one process of the database",
  cut: "all connections of a process cut",
  hold: "connections of a process held, up to longer than the time-out",
  refuse: "no connections for a process",
  disk: "the disk of the blobs full",
  broker: "`kill -9` of a Kafka broker, back after up to 3 s and its own start",
  line: "all connections to a Kafka broker cut",
  clock: "a worker's clock 25 h ahead or behind, and back"
}

const seconds = (ms: number): string => (Number.isNaN(ms) ? "–" : (ms / 1000).toFixed(1))

const nothing: Spread = { n: 0, p50: Number.NaN, p99: Number.NaN, max: Number.NaN }

const row = (cells: ReadonlyArray<string | number>): string => `| ${cells.join(" | ")} |`

export const reportOf = (command: string, result: CampaignResult): string => {
  const { verdict, struck, recoveries, operators } = { ...result, operators: result.verdict.operators }
  const checks: ReadonlyArray<readonly [string, number]> = [
    ["lost", verdict.lost],
    ["out of order", verdict.reordered],
    ["state changed otherwise than exactly once", verdict.stateWrong],
    ["published twice", verdict.publishedTwice],
    ["not published", verdict.unpublished],
    ["repeats taken for something else", verdict.conflicts],
    ["ended badly without cause", verdict.endedBadly],
    ["paused, and started all the same", verdict.pauseBroken],
    ["cancelled, and started or ended otherwise", verdict.cancelBroken]
  ]
  const total = Object.values(struck).reduce((sum, n) => sum + n, 0)
  return [
    `    ${command}`,
    "",
    `${os.cpus().length} × ${os.cpus()[0]?.model.trim() ?? "?"}, ${Math.round(os.totalmem() / 2 ** 30)} GB, ${os.type()} ${os.release()}, Node ${process.version}; ${Math.round(result.tookMs / 60_000)} minutes.`,
    "",
    `${verdict.kept} events kept (${verdict.acknowledged} acknowledged), ${verdict.published} posts published, ${total} faults, ${result.workersKilled} workers killed; ${operators.pauses} pauses, ${operators.cancels} tasks cancelled, ${operators.retries} retried; ${verdict.again.cutOff} steps ran again that were cut off, ${verdict.again.ended} whose end was not written yet. Rest ${result.restedMs === null ? "was not found" : `${seconds(result.restedMs)} s after the last fault`}. ${result.ownEnds} ends of their own, of processes that could not start without the database.`,
    "",
    row(["judged", "found"]),
    row(["---", "---"]),
    ...checks.map(row),
    "",
    row([
      "fault",
      "times",
      "partitions",
      "p50, s",
      "p99, s",
      "longest, s",
      "users cut off or kept waiting",
      "p50 / p99, s"
    ]),
    row(["---", "---", "---", "---", "---", "---", "---", "---"]),
    ...Object.entries(struck).flatMap(([kind, times]) =>
      [kind, kind + besideAnother].flatMap((one) => {
        const { n, p50, p99, max } = recoveries.partitions[one] ?? nothing
        const isMet = one !== kind
        if (isMet && n === 0) return []
        const users = recoveries.users[one]
        const gaps = users === undefined ? ["–", "–"] : [users.n, `${seconds(users.p50)} / ${seconds(users.p99)}`]
        const name = isMet ? `the same, beside another fault of a worker` : (words[kind] ?? kind)
        return [row([name, isMet ? "" : times, n, seconds(p50), seconds(p99), seconds(max), ...gaps])]
      })
    ),
    "",
    ...result.skipped.map((line) => `Skipped: ${line}.`),
    ""
  ].join("\n")
}
