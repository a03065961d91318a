/**
 * Scripted faults of a sandbox server: what a test or a demo makes go wrong, how often, and on which method.
 * A fault is used up by the requests it hits, in the order the faults were added.
 */

/** One scripted fault. Exactly what happens is the first of the set members, top to bottom. */
export interface Fault {
  /** Telegram's method name in any case (`messages.sendMessage`), or `*` for every method. */
  readonly method: string
  /** How many requests it hits; 1 when left out. */
  readonly times?: number
  /** How many matching requests pass before the first hit; 0 when left out. */
  readonly skip?: number
  /** Close the connection before the request is executed. */
  readonly dropBefore?: boolean
  /** Answer on the transport level with this code (`-404`: key unknown, `-429`: too many connections). */
  readonly transportError?: number
  /** Refuse with this text; `code` is 420 for `…WAIT_n`, else 400, when left out. */
  readonly error?: string
  readonly code?: number
  /** Execute the request, then close the connection instead of answering. */
  readonly dropAfter?: boolean
  /** Execute the request and never answer. */
  readonly silent?: boolean
  /** Never execute the request and never answer. */
  readonly ignored?: boolean
  /** Execute the request and answer this many milliseconds later. */
  readonly delayMs?: number
  /** Keep the answer (or the error) back until the next one, and send both in one container. */
  readonly hold?: boolean
}

/** The faults still to come, as a mutable script. */
export interface FaultScript {
  readonly add: (...faults: ReadonlyArray<Fault>) => void
  readonly clear: () => void
  /** Faults not used up yet. */
  readonly left: () => ReadonlyArray<Fault>
  /** The fault that hits this request, used up by one; `undefined` when none does. */
  readonly take: (method: string) => Fault | undefined
}

/** Telegram's numeric code for an error text, for the families a fault is scripted with. */
export const codeOf = (text: string): number =>
  /(?:FLOOD|SLOWMODE|FROZEN)_/.test(text)
    ? 420
    : /^(?:RANDOM_ID_DUPLICATE|RPC_|WORKER_|INTERNAL)/.test(text)
      ? 500
      : 400

/** Makes an empty script. */
export const makeFaultScript = (): FaultScript => {
  let script: Array<{ readonly fault: Fault; skip: number; times: number }> = []
  return {
    add: (...faults) => {
      for (const fault of faults) script.push({ fault, skip: fault.skip ?? 0, times: fault.times ?? 1 })
    },
    clear: () => {
      script = []
    },
    left: () => script.map((entry) => entry.fault),
    take: (method) => {
      const entry = script.find(
        ({ fault }) => fault.method === "*" || fault.method.toLowerCase() === method.toLowerCase()
      )
      if (entry === undefined) return undefined
      if (entry.skip > 0) {
        entry.skip -= 1
        return undefined
      }
      entry.times -= 1
      if (entry.times <= 0) script = script.filter((other) => other !== entry)
      return entry.fault
    }
  }
}
