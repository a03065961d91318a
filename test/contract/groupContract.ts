/** What every broker promises the members of a consumer group, in one text for all of them. */
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Exit, Queue, Scope } from "effect"
import type { Layer } from "effect"
import { readGroup } from "../support/groupReader.ts"
import type { GroupReader } from "../support/groupReader.ts"
import { until } from "../support/until.ts"
import { freshTopic, recordOf } from "./brokerContract.ts"
import type { BrokerWorld } from "./brokerContract.ts"

const heldBy = (readers: ReadonlyArray<GroupReader>) =>
  readers.flatMap((reader) => [...reader.held]).sort((a, b) => a - b)

export const groupContract = (name: string, world: Layer.Layer<BrokerWorld>): void =>
  layer(world, { excludeTestServices: true, timeout: "60 seconds" })(name, (it) => {
    it.effect("nothing is fetched of a partition before it is sought", () =>
      Effect.gen(function* () {
        const { broker, topic } = yield* freshTopic(2)
        yield* broker.append([recordOf(topic, "a", { partition: 0 }), recordOf(topic, "b", { partition: 1 })])
        const reader = yield* readGroup(broker, { group: "g", topic })
        yield* until("both partitions are assigned", () => reader.held.size === 2)
        yield* reader.membership.seek(1, 0)
        yield* until("the sought one is read", () => reader.records.length > 0)
        yield* broker.append([recordOf(topic, "c", { partition: 0 }), recordOf(topic, "d", { partition: 1 })])
        yield* until("and read on", () => reader.records.length === 2)
        assert.deepStrictEqual(
          reader.records.map((r) => `${r.partition}/${r.offset}`),
          ["1/0", "1/1"]
        )
      }).pipe(Effect.scoped)
    )

    it.effect("a seek back reads again, in order, and a seek forward leaves out", () =>
      Effect.gen(function* () {
        const { broker, topic } = yield* freshTopic(1)
        yield* broker.append(Array.from({ length: 4 }, (_, i) => recordOf(topic, String(i))))
        const reader = yield* readGroup(broker, { group: "g", topic, from: () => 2 })
        const offsets = () => reader.records.map((r) => r.offset)
        yield* until("the end is read", () => reader.records.length === 2)
        yield* reader.membership.seek(0, 1)
        yield* until("it is read again", () => reader.records.length === 5)
        assert.deepStrictEqual(offsets(), [2, 3, 1, 2, 3])
        yield* reader.membership.seek(0, 5)
        yield* broker.append([recordOf(topic, "4"), recordOf(topic, "5")])
        yield* until("what is behind is read", () => reader.records.length === 6)
        assert.strictEqual(offsets().at(-1), 5)
      }).pipe(Effect.scoped)
    )

    it.effect("a paused partition brings nothing while the others go on, and all of it once it is resumed", () =>
      Effect.gen(function* () {
        const { broker, topic } = yield* freshTopic(2)
        const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
        yield* until("both are assigned", () => reader.held.size === 2)
        yield* reader.membership.pause([0])
        for (let i = 0; i < 5; i++) {
          yield* broker.append([
            recordOf(topic, String(i), { partition: 0 }),
            recordOf(topic, String(i), { partition: 1 })
          ])
        }
        yield* until("the other is read", () => reader.records.length === 5)
        assert.isTrue(reader.records.every((r) => r.partition === 1))
        yield* reader.membership.resume([0])
        yield* until("the paused one is read", () => reader.records.length === 10)
        assert.deepStrictEqual(
          reader.records.slice(5).map((r) => `${r.partition}/${r.offset}`),
          ["0/0", "0/1", "0/2", "0/3", "0/4"]
        )
      }).pipe(Effect.scoped)
    )

    it.effect("members of two processes share the partitions, and one that leaves leaves them to the other", () =>
      Effect.gen(function* () {
        const { broker, topic, process } = yield* freshTopic(6)
        const one = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
        yield* until("the first holds all", () => one.held.size === 6)
        const scope = yield* Scope.make()
        const two = yield* Scope.provide(
          Effect.flatMap(process, (b) => readGroup(b, { group: "g", topic, from: () => 0 })),
          scope
        )
        yield* until("each holds three", () => one.held.size === 3 && two.held.size === 3)
        assert.deepStrictEqual(heldBy([one, two]), [0, 1, 2, 3, 4, 5])
        yield* Scope.close(scope, Exit.void)
        yield* until("the first holds all again", () => one.held.size === 6)
      }).pipe(Effect.scoped)
    )

    it.effect("members come and go, and in the end every partition has one of them", () =>
      Effect.gen(function* () {
        const { broker, topic, process } = yield* freshTopic(8)
        const join = Effect.gen(function* () {
          const scope = yield* Scope.make()
          const reader = yield* Scope.provide(
            Effect.flatMap(process, (b) => readGroup(b, { group: "g", topic })),
            scope
          )
          return { reader, leave: Scope.close(scope, Exit.void) }
        })
        const stays = yield* readGroup(broker, { group: "g", topic })
        const first = yield* join
        const second = yield* join
        yield* first.leave
        const third = yield* join
        const all = [stays, second.reader, third.reader]
        yield* until(
          "the three share",
          () => all.every((r) => r.held.size <= 3) && heldBy(all).join() === "0,1,2,3,4,5,6,7"
        )
        yield* second.leave
        yield* third.leave
        yield* until("the last holds all", () => stays.held.size === 8)
      }).pipe(Effect.scoped)
    )

    it.effect("groups read a topic independently of each other", () =>
      Effect.gen(function* () {
        const { broker, topic } = yield* freshTopic(2)
        const readers = [
          yield* readGroup(broker, { group: "a", topic, from: () => 0 }),
          yield* readGroup(broker, { group: "b", topic, from: () => 0 })
        ]
        yield* broker.append([recordOf(topic, "x", { partition: 1 })])
        yield* until("both have read it", () => readers.every((reader) => reader.records.length === 1))
      }).pipe(Effect.scoped)
    )

    it.effect("a revoked partition goes to another only after it was released", () =>
      Effect.gen(function* () {
        const { broker, topic, process } = yield* freshTopic(2)
        const gate = yield* Deferred.make<void>()
        const one = yield* readGroup(broker, { group: "g", topic, drain: () => Deferred.await(gate) })
        yield* until("the first holds all", () => one.held.size === 2)
        const two = yield* readGroup(yield* process, { group: "g", topic })
        yield* until("one is revoked", () => one.log.some((line) => line.startsWith("Revoked")))
        // A second group of the same process is served meanwhile, so time has passed for the first as well.
        const witness = yield* readGroup(yield* process, { group: "witness", topic })
        yield* until("the witness holds all", () => witness.held.size === 2)
        assert.strictEqual(two.held.size, 0)
        yield* Deferred.succeed(gate, undefined)
        yield* until("the second has its share", () => one.held.size === 1 && two.held.size === 1)
        assert.deepStrictEqual(heldBy([one, two]), [0, 1])
      }).pipe(Effect.scoped)
    )

    it.effect("a revoked partition brings no more records", () =>
      Effect.gen(function* () {
        const { broker, topic, process } = yield* freshTopic(2)
        const gate = yield* Deferred.make<void>()
        const one = yield* readGroup(broker, { group: "g", topic, from: () => 0, drain: () => Deferred.await(gate) })
        yield* until("the first holds all", () => one.held.size === 2)
        const two = yield* readGroup(yield* process, { group: "g", topic, from: () => 0 })
        yield* until("one is revoked", () => one.log.some((line) => line.startsWith("Revoked")))
        const gone = Number(one.log.find((line) => line.startsWith("Revoked"))!.split(" ")[1])
        // Another group of the same process has it by then: so would the first, if it read on.
        const witness = yield* readGroup(broker, { group: "witness", topic, from: () => 0 })
        yield* broker.append([recordOf(topic, "x", { partition: gone })])
        yield* until("the witness reads it", () => witness.records.length === 1)
        yield* Deferred.succeed(gate, undefined)
        yield* until("the new owner reads it", () => two.records.length === 1)
        yield* until("the first has taken all it was told", () => Queue.sizeUnsafe(one.membership.events) === 0)
        assert.strictEqual(one.records.length, 0)
      }).pipe(Effect.scoped)
    )

    it.effect("a member that takes no events does not hold up the other groups of its process", () =>
      Effect.gen(function* () {
        const { broker, topic, process } = yield* freshTopic(4)
        const idle = yield* broker.join({ group: "idle", topic })
        const first = yield* Queue.take(idle.events)
        assert.strictEqual(first._tag, "Assigned")
        for (let partition = 0; partition < 4; partition++) yield* idle.seek(partition, 0)
        yield* broker.append(Array.from({ length: 24_000 }, (_, i) => recordOf(topic, String(i))))
        yield* until("more waits for the idle member", () => Queue.sizeUnsafe(idle.events) >= 2)
        const taker = yield* readGroup(yield* process, { group: "idle", topic })
        const busy = yield* readGroup(broker, { group: "busy", topic })
        yield* until("the other group is served", () => busy.held.size === 4)
        assert.strictEqual(taker.held.size, 0)
        // What it does not take is not read ahead of it: two batches, and that it is to share.
        assert.isAtMost(Queue.sizeUnsafe(idle.events), 4)
      }).pipe(Effect.scoped)
    )

    it.effect("records of another process's append wake a sleeping reader", () =>
      Effect.gen(function* () {
        const { broker, topic, process } = yield* freshTopic(1)
        const other = yield* process
        const reader = yield* readGroup(broker, { group: "g", topic, from: () => 0 })
        yield* readGroup(other, { group: "h", topic })
        yield* until("the reader holds the partition", () => reader.held.size === 1)
        for (let i = 1; i <= 20; i++) {
          yield* other.append([recordOf(topic, String(i))])
          yield* until("it is read", () => reader.records.length === i)
        }
      }).pipe(Effect.scoped)
    )
  })
