/**
 * A branch of 150,000 items changed as a whole, beside the same change made row
 * by row, and beside another owner's small commands that want to be done
 * meanwhile; then lists and searches over a million items. Commands go the whole
 * way: record, mailbox, actor, transaction, journal.
 */
import { Deferred, Effect, Fiber } from "effect"
import { SqlClient } from "effect/sql"
import { makeTree } from "../../src/actors/tree/tree.ts"
import { readChildren } from "../../src/api/items/itemReads.ts"
import { searchItems } from "../../src/api/items/search.ts"
import { Broker } from "../../src/broker/Broker.ts"
import { headersOf } from "../../src/domain/Envelope.ts"
import { taskIdOf } from "../../src/domain/ids.ts"
import type { Command } from "../../src/domain/tree/TreeCommand.ts"
import type { Actor } from "../../src/runtime/Actor.ts"
import { declare, startWorker } from "../../src/runtime/Worker.ts"
import * as Topic from "../../src/topics/Topic.ts"
import { treeCommands } from "../../src/topics/treeCommands.ts"
import { layerMemoryBlobs } from "../../src/services/blobs/MemoryBlobs.ts"
import { makeChance } from "../../test/tree/randomCommand.ts"
import { fillTrees, itemIdOf, largeOwner, ownerOf, tagCount, tagNameOf, viewerCount } from "../../test/tree/treeData.ts"
import type { TreeSize } from "../../test/tree/treeData.ts"
import { monotonicMs } from "../support/clock.ts"
import { quantiles, round } from "../support/Figures.ts"
import type { Figures } from "../support/Figures.ts"
import { brokerKind, onFreshInstallation } from "../support/Installation.ts"
import { serverCpuMs } from "../support/processes.ts"

/** The actor, telling whoever asked for a task that it has been handled. */
const watchedTree = () => {
  const waiting = new Map<string, Deferred.Deferred<void>>()
  const tree = makeTree(null)
  const actor = {
    ...tree,
    handler: (value, task) =>
      Effect.tap(tree.handler(value, task), () => {
        const done = waiting.get(task.id)
        return done === undefined ? Effect.void : Deferred.succeed(done, undefined)
      })
  } satisfies Actor<any>
  let count = 0

  /** Milliseconds from the call of append until the command has been applied. */
  const run = Effect.fnUntraced(function* (owner: string, command: Command) {
    const broker = yield* Broker
    const id = `bench-${count++}`
    const done = yield* Deferred.make<void>()
    waiting.set(taskIdOf(tree.name, id), done)
    const value = yield* Topic.encodeValue(treeCommands, { by: owner, admin: false, command })
    const headers = headersOf({ id, type: treeCommands.type, source: "/bench", time: Date.now() })
    const begunAt = monotonicMs()
    yield* broker.append([{ topic: treeCommands.name, key: Topic.keyOfUser(owner), value, headers }])
    yield* Deferred.await(done)
    return monotonicMs() - begunAt
  })
  return { actor, run }
}

/** Items whose rows are changed one by one, to know what one costs. */
const sampleSize = 2_000

/** Milliseconds for each item of a walk that reads an item, changes it and then reads its children, as one would by rows. */
const rowByRow = (change: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const left = [itemIdOf(largeOwner, 0)]
    let seen = 0
    const begunAt = monotonicMs()
    const walk = Effect.gen(function* () {
      while (left.length > 0 && seen < sampleSize) {
        const id = left.shift()!
        yield* sql.unsafe(`SELECT eff_tags, viewers FROM item_state WHERE id = $1::uuid`, [id])
        yield* sql.unsafe(`UPDATE item_state SET ${change} WHERE id = $1::uuid`, [id])
        const children = yield* sql.unsafe<{ id: string }>(`SELECT id FROM item WHERE parent = $1::uuid`, [id])
        left.push(...children.map((child) => child.id))
        seen++
      }
    })
    let ms = 0
    const measured = Effect.map(walk, () => {
      ms = monotonicMs() - begunAt
    })
    // Taken back: what is measured next is the branch as it was.
    yield* sql.withTransaction(Effect.andThen(measured, Effect.fail("undone"))).pipe(
      Effect.catchIf(
        (error) => error === "undone",
        () => Effect.void
      )
    )
    return ms / seen
  })

/** p50, p95, p99 of `count` runs of `ask`. */
const asked = <A, E, R>(count: number, ask: (n: number) => Effect.Effect<A, E, R>) =>
  Effect.map(
    Effect.forEach(Array.from({ length: count }).keys(), (n) =>
      Effect.suspend(() => {
        const begunAt = monotonicMs()
        return Effect.map(ask(n), () => monotonicMs() - begunAt)
      })
    ),
    quantiles
  )

const branchItem = itemIdOf(largeOwner, 0)

const operations: ReadonlyArray<{ readonly name: string; readonly command: Command; readonly row: string }> = [
  {
    name: "add a tag",
    command: { kind: "setTags", item: branchItem, add: ["holiday"] },
    row: "eff_tags = eff_tags || 9001"
  },
  {
    name: "remove a tag",
    command: { kind: "setTags", item: branchItem, remove: ["holiday"] },
    row: "eff_tags = array_remove(eff_tags, 9001)"
  },
  {
    name: "grant",
    command: { kind: "setAccess", item: branchItem, grant: ["guest"], children: "delta" },
    row: "viewers = viewers || 9001"
  },
  {
    name: "revoke",
    command: { kind: "setAccess", item: branchItem, revoke: ["guest"], children: "delta" },
    row: "viewers = array_remove(viewers, 9001)"
  }
]

/** One figure for each operation on the branch, and for list and search. */
export const tree = (size: TreeSize) =>
  onFreshInstallation((dataDir) =>
    Effect.gen(function* () {
      const items = yield* fillTrees(size)
      const { actor, run } = watchedTree()
      yield* declare([actor])
      yield* startWorker({ actors: [actor] })
      const small = ownerOf(0)
      const tagged = (n: number): Command => ({
        kind: "setTags",
        item: itemIdOf(small, size.each - 1 - (n % 50)),
        ...(n % 2 === 0 ? { add: ["small"] } : { remove: ["small"] })
      })
      yield* asked(50, (n) => run(small, tagged(n)))

      const results: Array<Figures> = []
      for (const { name, command, row } of operations) {
        const perRow = yield* rowByRow(row)
        const others: Array<number> = []
        const cpuBefore = serverCpuMs(dataDir)
        const large = yield* Effect.forkChild(run(largeOwner, command))
        for (let n = 0; large.pollUnsafe() === undefined; n++) others.push(yield* run(small, tagged(n)))
        const ms = yield* Fiber.join(large)
        const cpuMs = serverCpuMs(dataDir) - cpuBefore
        const { p99Ms } = quantiles(others)
        results.push({
          scenario: "tree",
          variant: `${name}, branch of ${size.branch} of ${items} items`,
          broker: brokerKind,
          operation: name,
          items: size.branch,
          seconds: round(ms / 1000, 2),
          serverCpuSeconds: round(cpuMs / 1000, 2),
          itemsPerSecond: Math.round((size.branch / ms) * 1000),
          ratioToRowByRow: round((perRow * size.branch) / ms),
          rowByRowSeconds: round((perRow * size.branch) / 1000),
          otherOwnerP99Ms: p99Ms,
          otherOwnerCommands: others.length
        })
      }

      const chance = makeChance(7)
      const below = (count: number) => Math.floor(chance() * count)
      const reader = () => ({ viewer: 1 + below(viewerCount), name: null, admin: false })
      const listed = yield* asked(300, () =>
        readChildren(reader(), { parent: itemIdOf(ownerOf(below(size.owners)), below(100)) }, -1, 50)
      )
      const searched = yield* asked(300, (n) => {
        const tags = Array.from({ length: 1 + (n % 2) }, () => tagNameOf(1 + Math.floor(chance() ** 2 * tagCount)))
        return searchItems(reader(), { tags: [...new Set(tags)], words: "" }, { owner: 0, path: "" }, 50)
      })
      for (const [name, times] of [
        ["list children, pages of 50", listed],
        ["search by one or two tags, pages of 50", searched]
      ] as const) {
        results.push({
          scenario: "tree",
          variant: `${name}, ${items} items`,
          broker: brokerKind,
          operation: name,
          items,
          ...times
        })
      }
      return results
    }).pipe(Effect.provide(layerMemoryBlobs))
  )
