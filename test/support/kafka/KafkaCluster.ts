/**
 * What a test may ask of a Kafka of its own: where it answers, and to lose a
 * node and have it back. Nodes are counted from 1.
 */
import { Data } from "effect"
import type { Effect } from "effect"

export const kafkaVersion = "4.3.1"

/** No broker can be had here, or it did not start; `reason` says why in one line. */
export class KafkaUnavailable extends Data.TaggedError("KafkaUnavailable")<{ readonly reason: string }> {
  override get message(): string {
    return `no Kafka: ${this.reason}`
  }
}

export interface Login {
  readonly username: string
  readonly password: string
}

export interface KafkaOptions {
  /** 1 (default) or 3; topics are kept on all of them, and one may be lost. */
  readonly brokers?: number
  /** Lines of server.properties that win over ours; the listener for clients is called CLIENT. */
  readonly overrides?: Readonly<Record<string, string>>
  /** Addresses the nodes tell their clients instead of their own: those of proxies before them. */
  readonly advertised?: ReadonlyArray<string>
  /** Clients must come by TLS and log in as this one. The nodes are JVMs then, which can be given such users and keys. */
  readonly secured?: Login
}

export interface KafkaCluster {
  /** host:port of each node as its clients know it. */
  readonly bootstrap: ReadonlyArray<string>
  /** host:port of each node itself, before which a proxy may stand. */
  readonly direct: ReadonlyArray<string>
  /** What a client of a secured cluster must trust, as PEM; null where nothing is secured. */
  readonly certificate: string | null
  /** SIGKILL, and the node is gone. */
  readonly kill: (node: number) => Effect.Effect<void>
  /** SIGTERM: the node hands its leaders over, as far as others live, and ends. */
  readonly stop: (node: number) => Effect.Effect<void>
  /** Starts a node that is gone, on the storage it had; returns when it answers. */
  readonly start: (node: number) => Effect.Effect<void, KafkaUnavailable>
}
