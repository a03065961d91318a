/** Mailboxes against a naive model: lists per key and four flags. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { Priority } from "../../src/domain/Outcome.ts"
import * as Fifo from "../../src/runtime/Fifo.ts"
import * as Mailboxes from "../../src/runtime/Mailboxes.ts"

interface Item {
  readonly key: string
  readonly n: number
  readonly priority: Priority
}

/** A key in the model. `held` is what operators want; `holds` whether it is in force. */
interface Box {
  readonly items: Array<Item>
  running: boolean
  waiting: boolean
  held: boolean
  /** Cancellations that are not written yet. */
  barred: number
}

const isReady = (box: Box) => box.items.length > 0 && !box.running && !box.waiting && !box.held && box.barred === 0

const key = fc.constantFrom("a", "b", "c", "d")
const command = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constant("put" as const), key) },
  { weight: 5, arbitrary: fc.tuple(fc.constant("take" as const), key) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("finish" as const), key) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("wait" as const), key) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("wake" as const), key) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("hold" as const), key) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("free" as const), key) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("withdraw" as const), key) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("withdrawLast" as const), key) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("unbar" as const), key) }
)

describe("mailboxes", () => {
  it("behave as lists per key with one in flight, whatever happens to them in whatever order", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 120 }), (commands) => {
        const boxes = Mailboxes.make<Item>()
        const model = new Map<string, Box>()
        /** Takes of others since a key became ready and stayed so. */
        const passed = new Map<string, Map<string, number>>()
        let n = 0
        for (const [what, name] of commands) {
          const box = Mailboxes.find(boxes, name, 0)
          let mine = model.get(name)
          if (what === "put") {
            const item: Item = { key: name, n: n++, priority: "medium" }
            if (mine === undefined)
              model.set(name, (mine = { items: [], running: false, waiting: false, held: false, barred: 0 }))
            mine.items.push(item)
            Mailboxes.put(boxes, Mailboxes.open(boxes, name, null, 0, mine.held), item, n)
          } else if (what === "take") {
            const next = Mailboxes.nextLine(boxes)
            assert.strictEqual(next === undefined, ![...model.values()].some(isReady))
            if (next === undefined) continue
            const taken = Mailboxes.take(boxes, next.priority)
            const of = model.get(taken.key)!
            assert.isTrue(isReady(of), "only a ready key is taken")
            assert.strictEqual(Fifo.peek(taken.tasks), of.items[0], "its oldest task")
            of.running = true
            for (const [other, counts] of passed) {
              if (other === taken.key) continue
              counts.set(taken.key, (counts.get(taken.key) ?? 0) + 1)
              assert.isAtMost(counts.get(taken.key)!, 1, "no key is served twice while another stands in line")
            }
          } else if (mine !== undefined && box !== undefined) {
            if (what === "finish" && mine.running) {
              Mailboxes.finish(boxes, box, n)
              mine.running = false
              mine.items.shift()
            } else if (what === "wait" && mine.running) {
              Mailboxes.wait(boxes, box)
              mine.running = false
              mine.waiting = !mine.held
            } else if (what === "wake") {
              Mailboxes.wake(boxes, box, n)
              mine.waiting = false
            } else if (what === "hold") {
              Mailboxes.hold(box)
              mine.held = true
              if (!mine.running) mine.waiting = false
            } else if (what === "free" && mine.held) {
              Mailboxes.free(boxes, box, n, false)
              mine.held = false
            } else if ((what === "withdraw" || what === "withdrawLast") && mine.items.length > 0) {
              const item = what === "withdraw" ? mine.items[0]! : mine.items.at(-1)!
              const isHead = item === mine.items[0]
              const went = Mailboxes.withdraw(box, item)
              assert.strictEqual(went, !(isHead && mine.running), "all but what runs can be withdrawn")
              if (went) mine.items.splice(mine.items.indexOf(item), 1)
              if (went) mine.barred++
              if (went && isHead) mine.waiting = false
            } else if (what === "unbar" && mine.barred > 0) {
              Mailboxes.unbar(boxes, box, n)
              // Who waits for its time besides is looked at again by the dispatcher.
              if (--mine.barred === 0) mine.waiting = false
            }
            if (mine.items.length === 0 && !mine.held && mine.barred === 0) model.delete(name)
          }
          for (const [other, of] of model) {
            const real = Mailboxes.find(boxes, other, 0)
            assert.isDefined(real, "nothing is forgotten")
            assert.deepStrictEqual(Fifo.values(real!.tasks), of.items)
            assert.strictEqual(real!.state === "ready", isReady(of))
            assert.strictEqual(boxes.running.has(real!), of.running)
            if (!isReady(of)) passed.delete(other)
            else if (!passed.has(other)) passed.set(other, new Map())
          }
          assert.strictEqual(boxes.bySlot.size, model.size, "and nothing is kept for nobody")
          assert.strictEqual(boxes.running.size, [...model.values()].filter((of) => of.running).length)
          for (const other of passed.keys()) if (!model.has(other)) passed.delete(other)
        }
      }),
      { numRuns: 1_500 }
    )
  })

  it("serve a head of high priority before one of low, until the low one has waited five seconds longer", () => {
    const boxes = Mailboxes.make<Item>()
    const put = (name: string, priority: Priority, at: number) => {
      const item = { key: name, n: 0, priority }
      Mailboxes.put(boxes, Mailboxes.open(boxes, name, null, 0, false), item, at)
    }
    const next = () => Mailboxes.take(boxes, Mailboxes.nextLine(boxes)!.priority).key
    put("low", "low", 0)
    put("medium", "medium", 0)
    put("high", "high", 999)
    put("late", "high", 5_001)
    assert.deepStrictEqual([next(), next(), next(), next()], ["high", "medium", "low", "late"])
    assert.strictEqual(Mailboxes.nextLine(boxes), undefined)
  })

  it("of a dropped partition are gone, also those that run, wait, are held or stand in line", () => {
    const boxes = Mailboxes.make<Item>()
    const open = (name: string, partition: number, held = false) => {
      const box = Mailboxes.open(boxes, name, null, partition, held)
      Mailboxes.put(boxes, box, { key: name, n: 0, priority: "medium" }, 0)
      return box
    }
    const [running, waiting] = [open("running", 1), open("waiting", 1)]
    Mailboxes.take(boxes, "medium")
    Mailboxes.take(boxes, "medium")
    Mailboxes.wait(boxes, waiting)
    const all = [running, waiting, open("held", 1, true), open("ready", 1)]
    const other = open("other", 2)
    assert.deepStrictEqual(new Set(Mailboxes.dropPartition(boxes, 1)), new Set(all))
    assert.deepStrictEqual([...boxes.bySlot.values()], [other])
    assert.strictEqual(boxes.running.size, 0)
    assert.strictEqual(Mailboxes.take(boxes, Mailboxes.nextLine(boxes)!.priority), other)
    Mailboxes.wake(boxes, waiting, 9)
    assert.strictEqual(Mailboxes.nextLine(boxes), undefined)
  })
})
