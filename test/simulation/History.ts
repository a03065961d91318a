/**
 * What observers saw in one run, in the order in which it happened: clients of
 * the API, the fake outside that handlers call, a tap at the store and at the
 * topics, and the one who makes the faults. The checker knows these lines and
 * nothing of Postroom's code. `info` is an unknown outcome: neither ok nor fail.
 */

/** A row as it was written to the journal. */
export interface Row {
  readonly id: string
  readonly queue: string
  readonly partition: number
  readonly offset: number
  readonly user: string | null
  readonly flow: string | null
  readonly type: string
  readonly priority: string
  readonly state: string
  readonly attempt: number
  readonly crashes: number
  readonly emitted: number
  readonly queuedAt: number
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly notBefore: number | null
  readonly reason: string | null
  readonly result: string | null
  readonly progress: string | null
  readonly record: {
    readonly key: Uint8Array | null
    readonly value: Uint8Array | null
    readonly headers: Readonly<Record<string, string>>
  } | null
}

/** A record as it came to stand in a topic. */
export interface Logged {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: Readonly<Record<string, string>>
}

export interface Slot {
  readonly queue: string
  readonly partition: number
}

export interface AttemptEnd {
  readonly task: string
  readonly number: number
  readonly outcome: string
}

export interface Posted {
  readonly id: string
  readonly user: string
  readonly n: number
}

export type OpName =
  | "cancelFlow"
  | "pauseQueue"
  | "resumeQueue"
  | "pauseKey"
  | "resumeKey"
  | "cancel"
  | "retry"
  | "putSchedule"
  | "removeSchedule"

export interface Tick {
  readonly kind: "at" | "every"
  readonly at: number
  readonly everyMs: number
  readonly misfire: "skip" | "once" | "all"
}

type Event =
  // Clients of the API. `call` ties the lines of one call together.
  | { readonly k: "submit"; readonly call: number; readonly events: ReadonlyArray<Posted> }
  | { readonly k: "submitted"; readonly call: number; readonly how: "ok"; readonly answers: ReadonlyArray<string> }
  | { readonly k: "submitted"; readonly call: number; readonly how: "fail" | "info" }
  | { readonly k: "send"; readonly call: number; readonly events: ReadonlyArray<Posted> }
  | { readonly k: "sent"; readonly call: number; readonly how: "ok" | "fail" | "info" }
  // Operators.
  | { readonly k: "op"; readonly call: number; readonly op: OpName; readonly target: string; readonly tick?: Tick }
  | {
      readonly k: "opApplied"
      readonly op: OpName
      readonly target: string
      readonly answer: boolean
      readonly tick?: Tick
    }
  | { readonly k: "opDone"; readonly call: number; readonly how: "ok" | "fail" | "info" }
  | { readonly k: "seen"; readonly task: string; readonly state: string; readonly attempt: number }
  // What handlers do, and what the outside sees of them.
  | {
      readonly k: "start"
      readonly run: number
      readonly queue: string
      readonly task: string
      readonly id: string
      readonly user: string
      readonly attempt: number
      readonly kind: string
      readonly n: number
    }
  | { readonly k: "end"; readonly run: number; readonly how: string }
  | { readonly k: "call"; readonly run: number; readonly task: string; readonly step: string }
  // The tap at the store and the topics.
  | { readonly k: "append"; readonly records: ReadonlyArray<Logged> }
  | {
      readonly k: "commit"
      readonly positions: ReadonlyArray<Slot & { readonly epoch: number; readonly nextOffset: number }>
      readonly tasks: ReadonlyArray<Row>
      readonly attempts: ReadonlyArray<AttemptEnd>
      readonly steps: ReadonlyArray<{ readonly task: string; readonly name: string }>
      readonly states: ReadonlyArray<{ readonly queue: string; readonly name: string; readonly value: string | null }>
      readonly skips: ReadonlyArray<{ readonly flow: string; readonly task: string; readonly offset: number }>
      readonly stale: ReadonlyArray<Slot>
    }
  | (Slot & {
      readonly k: "lease"
      readonly epoch: number
      readonly nextOffset: number
      readonly clean: boolean
    })
  | (Slot & { readonly k: "owns"; readonly epoch: number })
  | (Slot & { readonly k: "release"; readonly epoch: number })
  | (Slot & { readonly k: "seek"; readonly offset: number })
  | (Slot & { readonly k: "told"; readonly offset: number })
  | { readonly k: "controlsRead"; readonly look: number }
  | { readonly k: "controlsKnown"; readonly look: number }
  // Who makes the faults.
  | { readonly k: "born" }
  | { readonly k: "dead" }
  | { readonly k: "frozen" }
  | { readonly k: "thawed" }
  | { readonly k: "expired"; readonly queue: string }
  | { readonly k: "jump"; readonly ms: number }
  | { readonly k: "fault"; readonly what: string }
  | { readonly k: "stopping" }
  | { readonly k: "stopped" }
  | { readonly k: "healed" }
  | { readonly k: "quiet" }
  | { readonly k: "stuck"; readonly text: string }
  | { readonly k: "log"; readonly text: string }

/** When (ms since the start) and in which process. */
export type Line = { readonly t: number; readonly p: string } & Event

export type LineOf<K extends Line["k"]> = Extract<Line, { readonly k: K }>

/** How everything stood at the end. */
export interface Dump {
  readonly tasks: ReadonlyArray<Row>
  readonly states: ReadonlyArray<readonly [slot: string, name: string, value: string]>
  readonly events: ReadonlyArray<{ readonly id: string; readonly awaits: number }>
  readonly schedules: ReadonlyArray<{ readonly id: string; readonly nextAt: number | null }>
  readonly commands: number
  readonly skips: ReadonlyArray<{ readonly flow: string }>
  /** `committed` of each group and partition, and the end of the log. */
  readonly lags: ReadonlyArray<Slot & { readonly committed: number; readonly next: number }>
}

/** What the checker must know of the installation. */
export interface Facts {
  readonly queues: ReadonlyArray<{
    readonly name: string
    readonly topic: string
    readonly attempts: number
    readonly backoffMs: number
    readonly capMs: number
    readonly timeoutMs: number
    readonly concurrency: number
    readonly blocks: boolean
  }>
  /** Which classes of faults were on. */
  readonly faults: ReadonlySet<string>
  readonly workers: number
  /** What a clock that was never moved shows at 0. */
  readonly epoch: number
  readonly seed: number
}

export interface Run {
  readonly facts: Facts
  readonly history: ReadonlyArray<Line>
  readonly end: Dump
}

export interface Violation {
  readonly invariant: string
  readonly detail: string
  /** Index of the line at which it shows. */
  readonly at: number
}
