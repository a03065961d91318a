/** The states of one mailbox: what it waits for, when it is kept though it is empty, and its place in the line. */
import { assert, describe, it } from "@effect/vitest"
import type { Priority } from "../../src/domain/Outcome.ts"
import * as Mailboxes from "../../src/runtime/Mailboxes.ts"
import { bytes } from "../support/journalRows.ts"

interface Item {
  readonly priority: Priority
}

/** Mailboxes with the calls that tests make of them, at a time they choose. */
const makeBoxes = () => {
  const boxes = Mailboxes.make<Item>()
  const open = (name: string, held = false) => Mailboxes.open(boxes, name, bytes(name), 0, held)
  const put = (name: string, now = 0, priority: Priority = "medium") => {
    const item = { priority }
    const box = open(name)
    Mailboxes.put(boxes, box, item, now)
    return { box, item }
  }
  /** Takes whose turn it is. */
  const take = () => {
    const next = Mailboxes.nextLine(boxes)
    return next === undefined ? undefined : Mailboxes.take(boxes, next.priority)
  }
  const takeAll = () => {
    const keys: Array<string> = []
    for (let box = take(); box !== undefined; box = take()) keys.push(box.key)
    return keys
  }
  const isKept = (box: Mailboxes.Mailbox<Item>) => Mailboxes.find(boxes, box.key, box.partition) === box
  return { boxes, open, put, take, takeAll, isKept }
}

describe("a mailbox", () => {
  it("is made once per key and partition, and knows its key by bytes and for eyes", () => {
    const { boxes, open } = makeBoxes()
    const ann = open("ann")
    assert.strictEqual(open("ann", true), ann)
    assert.notStrictEqual(Mailboxes.open(boxes, "ann", bytes("ann"), 1, false), ann)
    assert.deepInclude(ann, { key: "ann", keyBytes: bytes("ann"), user: "ann", partition: 0, state: "empty" })
    assert.strictEqual(open("bob", true).state, "held")
    assert.isUndefined(Mailboxes.find(boxes, "cid", 0))
  })

  it("is forgotten with its last task, unless more of it is in the journal or on the way from there", () => {
    const { boxes, put, take, isKept } = makeBoxes()
    const { box: first } = put("ann")
    first.loadedTo = 0
    take()
    Mailboxes.finish(boxes, first, 1)
    assert.isFalse(isKept(first), "nothing was left to the journal")
    const { box } = put("ann")
    Object.assign(box, { loadedTo: 3, spilledTo: 7 })
    take()
    Mailboxes.finish(boxes, box, 1)
    assert.deepStrictEqual([box.state, isKept(box)], ["empty", true])
    put("ann")
    Object.assign(box, { loadedTo: 7, loading: true })
    take()
    Mailboxes.finish(boxes, box, 2)
    assert.deepStrictEqual([box.state, isKept(box)], ["empty", true])
    put("ann")
    box.loading = false
    take()
    Mailboxes.finish(boxes, box, 3)
    assert.isFalse(isKept(box))
  })

  it("is pruned where it is empty, and nothing of it is held, in the journal, or on the way from there", () => {
    const { boxes, open, put, isKept } = makeBoxes()
    const [held, spilled, loading, loaded, fresh] = [
      open("held", true),
      open("spilled"),
      open("loading"),
      open("loaded"),
      open("fresh")
    ]
    const { box: ready } = put("ready")
    // The first record of a partition: below it is nothing.
    spilled.spilledTo = 0
    loading.loading = true
    Object.assign(loaded, { spilledTo: 4, loadedTo: 4 })
    const all = [held, spilled, loading, loaded, fresh, ready]
    for (const box of all) Mailboxes.prune(boxes, box)
    assert.deepStrictEqual(
      all.filter(isKept).map(({ key }) => key),
      ["held", "spilled", "loading", "ready"]
    )
  })

  it("that waits is ready when its time has come, and only then", () => {
    const { boxes, put, take, takeAll } = makeBoxes()
    const { box } = put("ann")
    take()
    Mailboxes.wait(boxes, box)
    put("ann")
    assert.deepStrictEqual([box.state, takeAll()], ["waiting", []])
    Mailboxes.wake(boxes, box, 700)
    assert.deepStrictEqual(Mailboxes.nextLine(boxes), { priority: "medium", rank: 1_700 })
    // Rung for once more, it keeps its place.
    Mailboxes.wake(boxes, box, 900)
    assert.deepStrictEqual(Mailboxes.nextLine(boxes), { priority: "medium", rank: 1_700 })
    assert.deepStrictEqual(takeAll(), ["ann"])
    Mailboxes.wake(boxes, box, 950)
    assert.deepStrictEqual([box.state, takeAll()], ["running", []])
  })

  it("that is held while it waits goes on to wait when it is freed before its time", () => {
    const { boxes, put, take, takeAll } = makeBoxes()
    const { box } = put("ann")
    take()
    Mailboxes.wait(boxes, box)
    Mailboxes.hold(box)
    Mailboxes.wake(boxes, box, 1)
    assert.deepStrictEqual([box.state, takeAll()], ["held", []])
    Mailboxes.free(boxes, box, 2, true)
    assert.deepStrictEqual([box.state, takeAll()], ["waiting", []])
    Mailboxes.free(boxes, box, 3, false)
    assert.strictEqual(box.state, "waiting", "what is not held is not freed")
    Mailboxes.wake(boxes, box, 4)
    assert.deepStrictEqual(takeAll(), ["ann"])
  })

  it("that is held while its task runs is held when that has ended, or has to wait, and once only", () => {
    for (const end of [
      (boxes: Mailboxes.Mailboxes<Item>, box: Mailboxes.Mailbox<Item>) => Mailboxes.finish(boxes, box, 1),
      (boxes: Mailboxes.Mailboxes<Item>, box: Mailboxes.Mailbox<Item>) => Mailboxes.wait(boxes, box)
    ]) {
      const { boxes, put, take, takeAll } = makeBoxes()
      const { box } = put("ann")
      put("ann")
      put("ann")
      take()
      Mailboxes.hold(box)
      assert.strictEqual(box.state, "running")
      end(boxes, box)
      assert.deepStrictEqual([box.state, box.heldNext, takeAll()], ["held", false, []])
      Mailboxes.free(boxes, box, 2, false)
      assert.strictEqual(take(), box)
      Mailboxes.finish(boxes, box, 3)
      assert.strictEqual(box.state, "ready")
    }
  })

  it("that is held and freed while its task runs goes on as if nothing had been", () => {
    const { boxes, put, take } = makeBoxes()
    const { box } = put("ann")
    put("ann")
    take()
    Mailboxes.hold(box)
    Mailboxes.free(boxes, box, 1, false)
    assert.strictEqual(box.state, "running")
    Mailboxes.finish(boxes, box, 2)
    assert.strictEqual(box.state, "ready")
  })

  it("that is freed with nothing in memory is kept for what is in the journal, else forgotten", () => {
    const { boxes, open, isKept } = makeBoxes()
    const [spilled, empty] = [open("spilled", true), open("empty", true)]
    spilled.spilledTo = 3
    for (const box of [spilled, empty]) Mailboxes.free(boxes, box, 1, false)
    assert.deepStrictEqual([spilled.state, isKept(spilled), isKept(empty)], ["empty", true, false])
  })
})

describe("a task that is withdrawn", () => {
  it("as the last of a ready mailbox leaves it empty where the journal has more, and it is ready with the next", () => {
    const { boxes, put, takeAll } = makeBoxes()
    const { box, item } = put("ann")
    box.spilledTo = 5
    assert.isTrue(Mailboxes.withdraw(box, item))
    assert.deepStrictEqual([box.state, takeAll()], ["empty", []])
    Mailboxes.unbar(boxes, box, 1)
    put("ann", 2)
    assert.deepStrictEqual(takeAll(), ["ann"])
  })

  it("lets nothing behind it begin until that is written, also what comes meanwhile, is freed or is woken", () => {
    const { boxes, put, take, takeAll, isKept } = makeBoxes()
    const { box, item: first } = put("ann")
    const { item: second } = put("ann")
    assert.isTrue(Mailboxes.withdraw(box, first))
    assert.deepStrictEqual(takeAll(), [])
    assert.isTrue(Mailboxes.withdraw(box, second))
    assert.deepStrictEqual([box.state, isKept(box)], ["empty", true])
    put("ann", 1)
    assert.deepStrictEqual(takeAll(), [])
    Mailboxes.wake(boxes, box, 2)
    Mailboxes.hold(box)
    Mailboxes.free(boxes, box, 3, false)
    Mailboxes.unbar(boxes, box, 4)
    assert.deepStrictEqual(takeAll(), [], "one of two is written")
    Mailboxes.unbar(boxes, box, 5)
    assert.strictEqual(take(), box)
    Mailboxes.bar(box)
    put("ann", 6)
    Mailboxes.finish(boxes, box, 7)
    assert.deepStrictEqual(takeAll(), [], "the one that ran was cancelled")
    Mailboxes.unbar(boxes, box, 8)
    assert.deepStrictEqual(takeAll(), ["ann"])
  })

  it("as the last of its mailbox is forgotten with it once that is written, and not before", () => {
    const { boxes, put, open, isKept } = makeBoxes()
    const { box, item } = put("ann")
    assert.isTrue(Mailboxes.withdraw(box, item))
    Mailboxes.prune(boxes, box)
    assert.isTrue(isKept(box))
    assert.strictEqual(open("ann"), box)
    Mailboxes.unbar(boxes, box, 1)
    assert.isFalse(isKept(box))
  })

  it("while the last before it runs leaves the mailbox known until that is written", () => {
    const { boxes, put, take, takeAll, isKept } = makeBoxes()
    const { box } = put("ann")
    const { item: second } = put("ann")
    take()
    assert.isTrue(Mailboxes.withdraw(box, second))
    Mailboxes.finish(boxes, box, 1)
    assert.deepStrictEqual([box.state, isKept(box)], ["empty", true])
    put("ann", 2)
    assert.deepStrictEqual(takeAll(), [])
    Mailboxes.unbar(boxes, box, 3)
    assert.deepStrictEqual(takeAll(), ["ann"])
  })

  it("has its mailbox stand in the line from when that is written, not from when its head ended", () => {
    const { boxes, put, take, takeAll } = makeBoxes()
    const { box } = put("ann")
    put("ann")
    take()
    Mailboxes.bar(box)
    Mailboxes.finish(boxes, box, 1)
    put("bob", 2)
    Mailboxes.unbar(boxes, box, 3)
    assert.deepStrictEqual(takeAll(), ["bob", "ann"])
  })

  it("from the head of one that waits lets the next go; from behind it, nothing changes", () => {
    const { boxes, put, take, takeAll, isKept } = makeBoxes()
    const { box, item: head } = put("ann")
    const { item: second } = put("ann")
    const { item: third } = put("ann")
    take()
    Mailboxes.wait(boxes, box)
    assert.isTrue(Mailboxes.withdraw(box, third))
    assert.strictEqual(box.state, "waiting")
    assert.isTrue(Mailboxes.withdraw(box, head))
    for (const at of [2, 3]) Mailboxes.unbar(boxes, box, at)
    assert.deepStrictEqual(takeAll(), ["ann"])
    assert.isFalse(Mailboxes.withdraw(box, second), "what runs stays")
    Mailboxes.wait(boxes, box)
    assert.isTrue(Mailboxes.withdraw(box, second))
    Mailboxes.unbar(boxes, box, 4)
    assert.isFalse(isKept(box))
  })

  it("from a held one leaves it held; one that is not there is not found", () => {
    const { put, isKept, takeAll } = makeBoxes()
    const { box, item } = put("ann")
    Mailboxes.hold(box)
    assert.isTrue(Mailboxes.withdraw(box, item))
    assert.deepStrictEqual([box.state, isKept(box)], ["held", true])
    assert.isFalse(Mailboxes.withdraw(box, item))
    put("bob")
    assert.deepStrictEqual(takeAll(), ["bob"])
  })
})

describe("the line", () => {
  it("is by the time at which a mailbox got into it, whatever was put since", () => {
    const { boxes, put, takeAll } = makeBoxes()
    put("ann", 10)
    put("bob", 20)
    put("ann", 500)
    assert.deepStrictEqual(Mailboxes.nextLine(boxes), { priority: "medium", rank: 1_010 })
    assert.deepStrictEqual(takeAll(), ["ann", "bob"])
  })

  it("gives way to a higher priority by one second, or five, and a tie goes to the higher", () => {
    assert.deepStrictEqual((["high", "medium", "low"] as const).map(Mailboxes.handicapOf), [0, 1_000, 5_000])
    const { put, takeAll } = makeBoxes()
    put("low", 0, "low")
    put("medium", 4_000, "medium")
    put("high", 5_000, "high")
    assert.deepStrictEqual(takeAll(), ["high", "medium", "low"])
  })

  it("passes over who may not go any more; freed in time it keeps its place, later it stands behind", () => {
    const { boxes, put, takeAll } = makeBoxes()
    const { box: ann } = put("ann", 0)
    put("bob", 5)
    Mailboxes.hold(ann)
    Mailboxes.free(boxes, ann, 9, false)
    assert.deepStrictEqual(Mailboxes.nextLine(boxes), { priority: "medium", rank: 1_000 })
    Mailboxes.hold(ann)
    assert.deepStrictEqual(Mailboxes.nextLine(boxes), { priority: "medium", rank: 1_005 })
    Mailboxes.free(boxes, ann, 12, false)
    assert.deepStrictEqual(takeAll(), ["bob", "ann"])
  })

  it("is stood in by the priority of the head, also when that has ended", () => {
    const { boxes, put, take } = makeBoxes()
    const { box } = put("ann", 0, "low")
    put("ann", 0, "high")
    assert.strictEqual(Mailboxes.nextLine(boxes)!.priority, "low")
    take()
    Mailboxes.finish(boxes, box, 3)
    assert.deepStrictEqual(Mailboxes.nextLine(boxes), { priority: "high", rank: 3 })
  })

  it("takes in nobody of a partition that was dropped, whatever still comes for it", () => {
    const { boxes, put, take, takeAll, isKept } = makeBoxes()
    const { box: running } = put("ann")
    take()
    const { box: ready } = put("bob")
    assert.sameMembers([...Mailboxes.dropPartition(boxes, 0)], [running, ready])
    for (const box of [running, ready]) {
      Mailboxes.put(boxes, box, { priority: "high" }, 1)
      Mailboxes.wake(boxes, box, 2)
    }
    assert.deepStrictEqual([takeAll(), isKept(running), boxes.running.size], [[], false, 0])
  })
})
