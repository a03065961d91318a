/**
 * Holds what the pipeline did against what the demo world expects of it. Reads
 * the journal's rows and the sandbox Telegram's own ledger, and nothing that
 * the runtime had in memory.
 */
import type { DemoWorld, PlacedPost } from "../sandbox/world/DemoWorld.ts"
import { expectedStories } from "../sandbox/world/DemoWorld.ts"
import type { DemoSource } from "../sandbox/world/demoUsers.ts"
import type { LedgerEntry } from "../sandbox/telegram/Ledger.ts"
import { stateOf } from "../journal/sql/TaskRows.ts"

export interface DemoTask {
  readonly queue: string
  readonly user: string
  readonly state: number
  readonly attempt: number
  readonly result: string | null
  readonly reason: string | null
  readonly offset: bigint
  readonly started: Date
  readonly ended: Date
}

export interface StageReport {
  readonly queue: string
  readonly tasks: number
  readonly succeeded: number
  readonly failed: number
  readonly retried: number
  readonly medianMs: number
}

export interface DemoReport {
  readonly ok: boolean
  readonly seconds: number
  readonly posts: number
  readonly expected: number
  readonly published: number
  readonly lost: ReadonlyArray<string>
  readonly doubled: ReadonlyArray<string>
  readonly outOfOrder: ReadonlyArray<string>
  readonly unexpected: ReadonlyArray<string>
  readonly ads: number
  readonly duplicates: number
  /** Some of the reasons for dropping a post. */
  readonly dropped: ReadonlyArray<{ readonly post: string; readonly reason: string }>
  readonly withPictures: number
  readonly converted: number
  readonly modelCalls: number
  readonly failures: ReadonlyArray<string>
  readonly stages: ReadonlyArray<StageReport>
}

export interface DemoFacts {
  readonly world: DemoWorld
  readonly sourceKeyOf: (source: DemoSource) => string
  readonly tasks: ReadonlyArray<DemoTask>
  readonly ledger: ReadonlyArray<LedgerEntry>
  readonly modelCalls: number
  readonly seconds: number
}

interface PublishResult {
  readonly post: string
  readonly target: string
  readonly messageIds: ReadonlyArray<number>
  readonly pictures: number
}

interface CollectResult {
  readonly dropped: ReadonlyArray<{ readonly post: string; readonly why: string; readonly reason: string }>
}

const resultOf = <A>(task: DemoTask): A => JSON.parse(task.result ?? "{}") as A

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

const stageOf = (queue: string, tasks: ReadonlyArray<DemoTask>): StageReport => ({
  queue,
  tasks: tasks.length,
  succeeded: tasks.filter((task) => stateOf(task.state) === "succeeded").length,
  failed: tasks.filter((task) => stateOf(task.state) === "failed" || stateOf(task.state) === "invalid").length,
  retried: tasks.filter((task) => task.attempt > 1).length,
  medianMs: median(tasks.map((task) => task.ended.getTime() - task.started.getTime()))
})

/** The report; `ok` when nothing was lost, doubled, out of order, unexpected or failed. */
export const demoReport = (facts: DemoFacts): DemoReport => {
  const { world, tasks, ledger } = facts
  const succeeded = (queue: string) =>
    tasks.filter((task) => task.queue === queue && stateOf(task.state) === "succeeded")
  const idOf = ({ source, messageIds, post }: PlacedPost): string => {
    const key = facts.sourceKeyOf(source)
    if (source.kind === "telegram") return `${key}/${messageIds[0]}`
    const isAtom = world.feeds.some(({ feed }) => feed.name === source.name && feed.format === "atom")
    return `${key}/${isAtom ? `tag:demo.example,2026:${post.key}` : post.key}`
  }
  const publications = succeeded("publisher").map((task) => ({ task, ...resultOf<PublishResult>(task) }))
  const dropped = succeeded("collector").flatMap((task) => resultOf<CollectResult>(task).dropped ?? [])
  const lost: Array<string> = []
  const doubled: Array<string> = []
  const unexpected: Array<string> = []
  let expected = 0
  for (const user of world.users) {
    const mine = publications.filter(({ task }) => task.user === user.id)
    for (const story of expectedStories(world, user)) {
      const ids = new Set(story.tellings.map(idOf))
      const count = mine.filter(({ post }) => ids.has(post)).length
      if (story.outcome === "publish") {
        expected++
        if (count === 0) lost.push(`${user.id}: ${story.key}`)
        if (count > 1) doubled.push(`${user.id}: ${story.key}`)
      } else if (count > 0) unexpected.push(`${user.id}: ${story.key}`)
    }
  }
  // What Telegram itself says was posted: every message once, and none that no task knows of.
  const sent = ledger.filter((entry) => entry.event === "sent")
  const known = new Set(publications.flatMap(({ target, messageIds }) => messageIds.map((id) => `${target}/${id}`)))
  for (const entry of sent) {
    if (!known.has(`${entry.username}/${entry.messageId}`)) doubled.push(`message ${entry.username}/${entry.messageId}`)
  }
  const outOfOrder: Array<string> = []
  for (const user of world.users) {
    const lines = tasks.filter((task) => task.queue === "publisher" && task.user === user.id)
    const starts = lines.toSorted((a, b) => Number(a.offset - b.offset))
    for (const [i, task] of starts.entries()) {
      const before = starts[i - 1]
      if (before !== undefined && before.ended.getTime() > task.started.getTime())
        outOfOrder.push(`${user.id} at ${task.offset}`)
    }
  }
  const failures = tasks
    .filter((task) => stateOf(task.state) !== "succeeded")
    .map((task) => `${task.queue} ${task.user}: ${task.reason ?? stateOf(task.state)}`)
  const stages = [...new Set(tasks.map((task) => task.queue))].map((queue) =>
    stageOf(
      queue,
      tasks.filter((task) => task.queue === queue)
    )
  )
  const order = ["collector", "rewriter", "imagegen", "publisher", "converter"]
  return {
    ok: lost.length + doubled.length + outOfOrder.length + unexpected.length + failures.length === 0,
    seconds: Math.round(facts.seconds * 10) / 10,
    posts: world.users.reduce(
      (sum, user) => sum + expectedStories(world, user).reduce((n, s) => n + s.tellings.length, 0),
      0
    ),
    expected,
    published: publications.length,
    lost,
    doubled,
    outOfOrder,
    unexpected,
    ads: dropped.filter((drop) => drop.why === "ad").length,
    duplicates: dropped.filter((drop) => drop.why === "duplicate").length,
    dropped: dropped.filter((drop) => drop.why !== "refused").map(({ post, reason }) => ({ post, reason })),
    withPictures: publications.filter((publication) => publication.pictures > 0).length,
    converted: succeeded("converter").length,
    modelCalls: facts.modelCalls,
    failures,
    stages: stages.toSorted((a, b) => order.indexOf(a.queue) - order.indexOf(b.queue))
  }
}
