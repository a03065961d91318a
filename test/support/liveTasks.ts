/** Tasks in memory without a worker around them, for tests of the parts that work on them. */
import { Effect } from "effect"
import type { OutgoingRecord } from "../../src/broker/Record.ts"
import type { Actor } from "../../src/runtime/Actor.ts"
import type { Flush } from "../../src/runtime/Flush.ts"
import type { Lane, LiveTask, Ownership } from "../../src/runtime/Lane.ts"
import { fromJournal } from "../../src/runtime/LiveTask.ts"
import * as Mailboxes from "../../src/runtime/Mailboxes.ts"
import * as Watermark from "../../src/runtime/Watermark.ts"
import { bytes, taskRow } from "./journalRows.ts"
import { actorOf } from "./runtimeWorld.ts"

export const laneOf = (actor: Actor = actorOf(() => Effect.void)): Lane => ({
  actor,
  boxes: Mailboxes.make(),
  owned: new Map(),
  unreleased: new Set(),
  bucket: null,
  decode: (value) => ({ ok: true, value }),
  membership: null,
  paused: false,
  looks: 0,
  full: false,
  started: 0,
  read: 0
})

/** A flush that writes nothing; a test listens to what it asks about. */
export const silentFlush: Flush = {
  task: () => {},
  ended: () => {},
  item: () => {},
  command: () => {},
  position: () => {},
  after: () => {},
  barrier: Effect.void,
  backlog: () => 0
}

/** A partition of `lane` that is owned, with nothing in it. */
export const ownershipOf = (lane: Lane = laneOf(), more: Partial<Ownership> = {}): Ownership => ({
  lane,
  partition: 0,
  epoch: 1,
  mark: Watermark.make(0),
  live: new Map(),
  rowReaders: new Set(),
  crashed: false,
  replayTo: -1,
  carefulBelow: 0,
  alive: true,
  draining: false,
  written: 0,
  committed: -1,
  ...more
})

/** The task of a user's record at `offset`, at the end of the user's mailbox. */
export const liveTask = (
  ownership: Ownership,
  offset: number,
  more: Partial<LiveTask> = {},
  user = "ann",
  now = 0
): LiveTask => {
  const { lane, partition } = ownership
  const row = taskRow({ queue: lane.actor.name, partition, offset })
  const box = Mailboxes.open(lane.boxes, user, bytes(user), partition, false)
  const task = { ...fromJournal(row, ownership, box, now, false), written: false, ...more }
  Mailboxes.put(lane.boxes, box, task, now)
  ownership.live.set(task.id, task)
  return task
}

/** A record that the task of `offset` hands on. */
export const handedOn = (offset: number): OutgoingRecord => ({
  topic: "next",
  key: bytes("ann"),
  value: bytes(String(offset)),
  headers: {}
})
