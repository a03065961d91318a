/**
 * The client under chaos: it posts events by HTTP, in batches, and writes down
 * each acknowledgement before the next event of the same user. Started again,
 * it goes on behind the last one written down, and so posts again what may
 * have been kept without its knowing. Every second it says on standard output
 * how much was acknowledged: `node poster.ts '<ChaosPlace as JSON>'`.
 */
import { monotonicMs } from "../../bench/support/clock.ts"
import * as fs from "node:fs"
import * as path from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { channelOf } from "./DrillPlace.ts"
import type { ChaosPlace } from "./DrillPlace.ts"
import { endWithParent } from "../../bench/support/endWithParent.ts"

endWithParent()
const place = JSON.parse(process.argv[2] ?? "{}") as ChaosPlace
const file = path.join(place.records, "acknowledged.log")
const fd = fs.openSync(file, "a")
/** The next event of each user, by what was acknowledged before. */
const nextOf = new Map<string, number>()
let acknowledged = 0
for (const line of fs.readFileSync(file, "utf8").split("\n").slice(0, -1)) {
  const [, user, seq] = line.split(" ")
  nextOf.set(user!, Math.max(nextOf.get(user!) ?? 0, Number(seq) + 1))
  acknowledged++
}

interface Posted {
  readonly user: string
  readonly seq: number
  readonly body: { readonly id: string; readonly type: string; readonly user: string; readonly data: unknown }
}

const event = (user: string, seq: number, type: string, data: unknown): Posted => ({
  user,
  seq,
  body: { id: `${user}:${seq}`, type, user, data }
})

const stepOf = (user: string, seq: number) => event(user, seq, "chaos.step", { user, seq })

const assignmentOf = (channel: number) => ({ target: channelOf(channel), style: "", language: "en" })

const postOf = (writer: number, seq: number) => {
  const user = `writer-${writer}`
  const post = { id: `${user}:${seq}`, source: "drill", title: "", text: `${user} says ${seq}`, tags: [], url: null }
  return event(user, seq, "post.ready", { post: { ...post, images: [] }, assignment: assignmentOf(writer) })
}

/** Every so many posts of an author have no picture, so that one is drawn; the others name one that is gone. */
const drawnEvery = 8
const goneImage = { sha256: "0".repeat(64), mime: "image/jpeg" }

const collectedOf = (author: number, seq: number) => {
  const user = `author-${author}`
  const text = `The committee of ${user} met for the ${seq}th time on Monday. It decided to repair the bridge. Works begin in spring and cost 40,000 crowns.`
  const post = { id: `${user}:${seq}`, source: "drill", title: "", url: null, publishedAt: 0, text, spans: [] }
  return event(user, seq, "post.collected", {
    post: { ...post, images: seq % drawnEvery === 0 ? [] : [goneImage] },
    assignment: assignmentOf(place.writers + author)
  })
}

const url = `http://127.0.0.1:${place.api.port}/api/v1/events/batch`
const headers = { "content-type": "application/json", authorization: `Bearer ${place.api.token}` }

/** Posts until it is answered; a refusal that says the events are wrong is written down as a conflict. */
const post = async (events: ReadonlyArray<Posted>) => {
  const body = JSON.stringify({ events: events.map((one) => one.body) })
  while (true) {
    const status = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(15_000) }).then(
      async (answer) => {
        const text = await answer.text()
        if (answer.status !== 202 && answer.status < 500) process.stderr.write(`${answer.status} ${text}\n`)
        return answer.status
      },
      () => 0
    )
    if (status === 0 || status >= 500 || status === 401) {
      await pause(100)
      continue
    }
    const at = monotonicMs().toFixed(3)
    const answer = status === 202 ? "kept" : "conflict"
    fs.writeSync(fd, events.map(({ user, seq }) => `${answer} ${user} ${seq} ${at}\n`).join(""))
    for (const { user, seq } of events) nextOf.set(user, seq + 1)
    acknowledged += events.length
    return
  }
}

const drawn = (below: number) => Math.floor(Math.random() * below)

/** Users who are served by one lane: `name-<from>` and so on. */
interface Group {
  readonly name: string
  readonly from: number
  readonly size: number
  readonly make: (user: number, seq: number) => Posted
}

/** Some of a group's users, each at most once, with one to `most` events each. */
const some = (group: Group, count: number, most: number) => {
  const { name, from, size, make } = group
  const first = drawn(size)
  return Array.from({ length: Math.min(count, size) }, (_, n) => from + ((first + n) % size)).flatMap((user) => {
    const next = nextOf.get(`${name}-${user}`) ?? 0
    return Array.from({ length: 1 + drawn(most) }, (_, n) => make(user, next + n))
  })
}

/** So much lateness is made up for, ms. */
const mostLate = 3_000

/** Posts for ever, `perSecond` events on average. */
const lane = async (perSecond: number, make: () => ReadonlyArray<Posted>) => {
  let due = performance.now() + Math.random() * 1_000
  while (true) {
    await pause(Math.max(0, due - performance.now()))
    const events = make()
    await post(events)
    due = Math.max(due, performance.now() - mostLate) + (events.length / perSecond) * 1_000 * (0.5 + Math.random())
  }
}

const walkers = (from: number, size: number): Group => ({
  name: "walker",
  from,
  size,
  make: (user, seq) => stepOf(`walker-${user}`, seq)
})

const lanes = 6
const share = Math.ceil(place.walkers / lanes)
for (let from = 0; from < place.walkers; from += share) {
  const group = walkers(from, Math.min(share, place.walkers - from))
  void lane(place.rate / lanes, () => some(group, Math.min(80, Math.ceil(place.rate / 8)), 3))
}

const steady = (name: string, size: number, perSecond: number, make: Group["make"]) => {
  if (size > 0) void lane(perSecond, () => some({ name, from: 0, size, make }, Math.ceil(size / 5), 2))
}
steady("wanderer", place.wanderers, place.wanderers / 4, (user, seq) => stepOf(`wanderer-${user}`, seq))
steady("writer", place.writers, place.writers / 6, postOf)
steady("author", place.authors, place.authors / 10, collectedOf)
setInterval(() => process.stdout.write(`${JSON.stringify({ acknowledged })}\n`), 1_000)
