/**
 * Appends records for many callers at once: one append is under way at a time,
 * and whoever comes meanwhile is in the next. So the disk is asked once for
 * all of them, and every caller is answered when its records are on it.
 */
import { Cause, Context, Deferred, Effect, Layer, Option } from "effect"
import { Broker } from "../broker/Broker.ts"
import type { BrokerError } from "../broker/BrokerError.ts"
import type { OutgoingRecord, Position } from "../broker/Record.ts"
import { makeSignal } from "../broker/Signal.ts"
import { forkLoop } from "./forkLoop.ts"

export class Producer extends Context.Service<
  Producer,
  {
    /**
     * Appends the records of one caller, all or none, in the order of the calls for records of one partition, and
     * answers where they stand. A caller that is interrupted may find its records appended all the same.
     */
    readonly send: (records: ReadonlyArray<OutgoingRecord>) => Effect.Effect<ReadonlyArray<Position>, BrokerError>
  }
>()("postroom/runtime/Producer") {}

interface Pending {
  readonly records: ReadonlyArray<OutgoingRecord>
  readonly answer: Deferred.Deferred<ReadonlyArray<Position>, BrokerError>
}

/** Most records and bytes in one append (a call with more is not split). */
const batchLimit = 2_000
const byteLimit = 4 * 1024 * 1024

const bytesOf = (records: ReadonlyArray<OutgoingRecord>): number =>
  records.reduce((sum, record) => sum + (record.value?.length ?? 0), 0)

const isDown = (cause: Cause.Cause<BrokerError>): boolean =>
  Option.exists(Cause.findErrorOption(cause), ({ isRetryable }) => isRetryable)

const make = Effect.gen(function* () {
  const broker = yield* Broker
  const bell = makeSignal()
  let pending: Array<Pending> = []

  const take = (): ReadonlyArray<Pending> => {
    let count = 0
    let bytes = 0
    let taken = 0
    for (const { records } of pending) {
      count += records.length
      bytes += bytesOf(records)
      if (taken > 0 && (count > batchLimit || bytes > byteLimit)) break
      taken++
    }
    const batch = taken === pending.length ? pending : pending.slice(0, taken)
    pending = taken === pending.length ? [] : pending.slice(taken)
    return batch
  }

  const appendAll = (batch: ReadonlyArray<Pending>): Effect.Effect<void> =>
    Effect.flatMap(Effect.exit(broker.append(batch.flatMap(({ records }) => records))), (exit) => {
      // One caller's record that is refused must not fail the others: each stands alone then. Where the broker is down,
      // all are told at once: a thousand callers would wait for a thousand time-outs.
      if (exit._tag === "Failure" && batch.length > 1 && !isDown(exit.cause)) {
        return Effect.forEach(batch, (one) => appendAll([one]), { discard: true })
      }
      let from = 0
      for (const { records, answer } of batch) {
        const to = from + records.length
        const slice = [from, to] as const
        Deferred.doneUnsafe(
          answer,
          Effect.map(exit, (all) => all.slice(...slice))
        )
        from = to
      }
      return Effect.void
    })

  const round = Effect.suspend(() => (pending.length === 0 ? bell.wait : appendAll(take())))
  yield* forkLoop("the appending of records", round)

  return Producer.of({
    send: (records) =>
      Effect.suspend(() => {
        const answer = Deferred.makeUnsafe<ReadonlyArray<Position>, BrokerError>()
        pending.push({ records, answer })
        bell.ring()
        return Deferred.await(answer)
      })
  })
})

/** The producer of this process. */
export const layer = Layer.effect(Producer, make)
