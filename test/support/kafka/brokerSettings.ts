/**
 * The settings of a node under test, the same for a JVM and for a container:
 * nothing is made by mistake, groups do not wait for company, and what is
 * dead is missed within seconds.
 */

/** How the nodes reach one another and their clients. */
export interface NodeAddress {
  readonly id: number
  /** Where the node listens for clients, and what it tells them. */
  readonly client: string
  readonly advertised: string
  /** Where the nodes themselves meet; as they listen, and as the others reach it. */
  readonly internal: string
  readonly internalAdvertised: string
  readonly controller: string
  readonly controllerAdvertised: string
}

/** server.properties of `node` in a cluster of `nodes`, all of them brokers and controllers. */
export const brokerSettings = (
  node: NodeAddress,
  nodes: ReadonlyArray<NodeAddress>,
  overrides: Readonly<Record<string, string>> = {}
): Readonly<Record<string, string>> => {
  const copies = String(Math.min(3, nodes.length))
  const inSync = String(nodes.length >= 3 ? 2 : 1)
  return {
    "process.roles": "broker,controller",
    "node.id": String(node.id),
    "controller.quorum.voters": nodes.map((one) => `${one.id}@${one.controllerAdvertised}`).join(","),
    listeners: `CLIENT://${node.client},INTERNAL://${node.internal},CONTROLLER://${node.controller}`,
    "advertised.listeners": `CLIENT://${node.advertised},INTERNAL://${node.internalAdvertised}`,
    "listener.security.protocol.map": "CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
    // Replication goes beside the proxies that may stand before CLIENT.
    "inter.broker.listener.name": "INTERNAL",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": copies,
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": copies,
    "transaction.state.log.min.isr": inSync,
    "default.replication.factor": copies,
    "min.insync.replicas": inSync,
    "num.network.threads": "2",
    "num.io.threads": "2",
    // 128 MiB by default, taken at once.
    "log.cleaner.dedupe.buffer.size": "8388608",
    // A dead node is missed after 3 s instead of 9.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    ...overrides
  }
}
