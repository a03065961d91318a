/** I14, I18: every tick once and none early, and everything comes to rest once the faults have stopped. */
import type { Tick, Violation } from "../History.ts"
import { recordIdOf, uuid } from "./Account.ts"
import type { Account } from "./Account.ts"

/** A tick that is older when it is seen counts as missed, ms. */
const graceMs = 60_000

/** I14. */
export const ticksFireOnce = ({ run, history, topics }: Account): ReadonlyArray<Violation> => {
  const found: Array<Violation> = []
  const { epoch, faults } = run.facts
  const at = history.length - 1
  const plans = new Map<string, Array<{ tick: Tick; index: number; t: number }>>()
  const removed = new Map<string, number>()
  for (let index = 0; index < history.length; index++) {
    const line = history[index]!
    if (line.k !== "opApplied") continue
    if (line.op === "putSchedule" && line.tick !== undefined) {
      const all = plans.get(line.target) ?? []
      plans.set(line.target, [...all, { tick: line.tick, index, t: line.t }])
    } else if (line.op === "removeSchedule") {
      if (!removed.has(line.target)) removed.set(line.target, line.t)
    }
  }
  const stands = new Map<string, Array<{ at: number; index: number }>>()
  for (const record of topics.get("in") ?? []) {
    const id = recordIdOf(record)
    stands.set(id, [...(stands.get(id) ?? []), { at: record.at, index: record.index }])
  }
  const isSteady = !faults.has("jump")
  for (const [id, all] of plans) {
    const [first] = all
    if (id.startsWith("event:")) {
      const fired = stands.get(id.slice("event:".length)) ?? []
      const event = run.end.events.some((one) => one.id === id.slice("event:".length))
      if (isSteady && fired.some((one) => one.at < first!.tick.at - epoch)) {
        found.push({ invariant: "I14", at: fired[0]!.index, detail: `${id} came before its time` })
      }
      if (event && fired.length === 0) found.push({ invariant: "I14", at, detail: `${id} did not come` })
      continue
    }
    const isPlain = all.every(({ tick }) => tick.everyMs === first!.tick.everyMs) && first!.tick.kind === "every"
    const source = `/postroom/schedules/${id}`
    const fired = (topics.get("in") ?? []).filter(({ headers }) => headers["ce_source"] === source)
    const lastly = new Map<string, number>()
    for (const record of fired) {
      const name = recordIdOf(record)
      const due = Date.parse(record.headers["ce_time"] ?? "") - epoch
      const before = lastly.get(name)
      lastly.set(name, record.index)
      // One that is put anew may begin with a tick that has fired. It is the same record, and no second task.
      const isAnew = all.some(
        ({ tick, index }) => index > (before ?? -1) && index < record.index && tick.at - epoch <= due
      )
      if (before !== undefined && !isAnew)
        found.push({ invariant: "I14", at: record.index, detail: `${id} fired ${record.headers["ce_time"]} twice` })
      if (isSteady && record.at < due)
        found.push({ invariant: "I14", at: record.index, detail: `${id} fired ${record.at} before ${due}` })
      if (name !== uuid(`tick\n${id}\n${due + epoch}`)) {
        found.push({ invariant: "I14", at: record.index, detail: `${id} fired ${due} as ${name}` })
      }
    }
    if (!isPlain || !isSteady || faults.size > 0 || first!.tick.misfire === "once") continue
    const end = removed.get(id) ?? history.at(-1)!.t
    for (let due = first!.tick.at; due - epoch < end - 1_000; due += first!.tick.everyMs) {
      if (due - epoch < first!.t || end - (due - epoch) > graceMs) continue
      if (!lastly.has(uuid(`tick\n${id}\n${due}`)))
        found.push({ invariant: "I14", at, detail: `${id} did not fire at ${due - epoch}` })
    }
  }
  return found
}

/** I18. */
export const everythingComesToRest = ({ history, run }: Account): ReadonlyArray<Violation> => {
  const found: Array<Violation> = []
  const at = history.length - 1
  const stopping = new Set<string>()
  for (let index = 0; index < history.length; index++) {
    const line = history[index]!
    if (line.k === "stuck") found.push({ invariant: "I18", at: index, detail: line.text.slice(0, 500) })
    if (line.k === "log" && / ended\b/.test(line.text))
      found.push({ invariant: "I18", at: index, detail: line.text.slice(0, 500) })
    if (line.k === "stopping") stopping.add(line.p)
    if (line.k === "stopped" || line.k === "dead") stopping.delete(line.p)
  }
  for (const p of stopping) found.push({ invariant: "I18", at, detail: `${p} was asked to end and does not` })
  void run
  return found
}
