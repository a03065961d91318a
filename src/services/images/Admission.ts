/**
 * Who may take a share of something bounded next: processes, or memory. In turn, but what somebody waits for goes
 * before what can wait; and no one who needs much is passed by those who need little for ever, because only the first
 * of the line is ever let in.
 */
import { Clock, Effect } from "effect"

/** Whether somebody waits for the picture, or it is one of thousands that are made anew. */
export type Urgency = "live" | "backfill"

/** So long (ms) what can wait gives way; having waited that much longer, it goes first. */
const patienceMs: Readonly<Record<Urgency, number>> = { live: 0, backfill: 5_000 }

interface Entry {
  readonly share: number
  readonly rank: number
  state: "waiting" | "admitted" | "gone"
  readonly enter: () => void
}

export interface Admission {
  /** Runs `use` while holding `share` of the whole (more than the whole counts as all of it). */
  readonly within: (share: number, urgency: Urgency) => <A, E, R>(use: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** Shares of `whole`, all of them free. */
export const makeAdmission = (whole: number): Admission => {
  const line: Array<Entry> = []
  let free = whole

  const serve = (): void => {
    for (let first = line[0]; first !== undefined && first.share <= free; first = line[0]) {
      line.shift()
      free -= first.share
      first.state = "admitted"
      first.enter()
    }
  }

  const join = (entry: Entry): void => {
    const before = line.findIndex(({ rank }) => rank > entry.rank)
    line.splice(before === -1 ? line.length : before, 0, entry)
    serve()
  }

  const leave = (entry: Entry): void => {
    if (entry.state === "waiting") line.splice(line.indexOf(entry), 1)
    if (entry.state === "admitted") free += entry.share
    entry.state = "gone"
    serve()
  }

  return {
    within: (share, urgency) => (use) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          let entered = (): void => undefined
          const entry: Entry = {
            share: Math.min(share, whole),
            rank: now + patienceMs[urgency],
            state: "waiting",
            enter: () => entered()
          }
          const wait = Effect.callback<void>((resume) => {
            entered = () => resume(Effect.void)
            join(entry)
          })
          return Effect.onExit(Effect.andThen(restore(wait), restore(use)), () => Effect.sync(() => leave(entry)))
        })
      )
  }
}
