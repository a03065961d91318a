/**
 * A Kafka cluster of JVMs on loopback, from Maven's jars. The nodes die with
 * the process that started them; their storage goes with the scope.
 */
import { Effect } from "effect"
import type { Scope } from "effect"
import { execFile, spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { promisify } from "node:util"
import { brokerSettings } from "./brokerSettings.ts"
import type { NodeAddress } from "./brokerSettings.ts"
import { freePorts } from "./freePorts.ts"
import { kafkaJars } from "./jars.ts"
import { KafkaUnavailable } from "./KafkaCluster.ts"
import type { KafkaCluster, KafkaOptions } from "./KafkaCluster.ts"
import { secure } from "./security.ts"
import { untilAnswering, untilWarm } from "./probe.ts"

const run = promisify(execFile)

/** Any 16 bytes in base64; one id for all, as no two clusters ever meet. */
const clusterId = "UG9zdHJvb21Qb3N0cm9vbQ"

/** Where the kernel can be asked to, it ends a node whose starter has gone. */
const setpriv = "/usr/bin/setpriv"
const diesWithUs = process.platform === "linux" && fs.existsSync(setpriv) ? [setpriv, "--pdeathsig", "KILL", "--"] : []

interface Node {
  readonly id: number
  readonly address: NodeAddress
  readonly folder: string
  child: ChildProcess | undefined
}

const isAlive = ({ child }: Node): boolean =>
  child !== undefined && child.exitCode === null && child.signalCode === null

const end = (node: Node, signal: "SIGTERM" | "SIGKILL"): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (node.child === undefined || !isAlive(node)) return resume(Effect.void)
    node.child.once("exit", () => resume(Effect.void))
    node.child.kill(signal)
  })

/** Waits for the line by which a broker says that it serves; fails with its last words if it ends instead. */
const untilServing = (node: Node, child: ChildProcess): Effect.Effect<void, KafkaUnavailable> =>
  Effect.callback((resume) => {
    let said = ""
    const hear = (bytes: Buffer) => {
      said = (said + bytes.toString()).slice(-4_000)
      if (said.includes("Kafka Server started")) resume(Effect.void)
    }
    const fail = (why: string) =>
      resume(Effect.fail(new KafkaUnavailable({ reason: `node ${node.id} did not start (${why}): ${said}` })))
    child.stdout?.on("data", hear)
    child.stderr?.on("data", hear)
    child.once("error", (error) => fail(error.message))
    child.once("exit", (code, signal) => fail(`ended with ${code ?? signal}`))
  })

/** Starts the nodes and returns when groups can join; all are gone with the scope. */
export const startJvmCluster = Effect.fn("startJvmCluster")(function* (
  options: KafkaOptions
): Effect.fn.Return<KafkaCluster, KafkaUnavailable, Scope.Scope> {
  const jars = yield* kafkaJars
  const count = options.brokers ?? 1
  const ports = yield* freePorts(count * 3)
  const root = yield* Effect.acquireRelease(
    Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "postroom-test-kafka-"))),
    (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  )
  const security = options.secured === undefined ? undefined : yield* secure(root, options.secured)
  const nodes = Array.from({ length: count }, (_, index): Node => {
    const at = (which: number) => `127.0.0.1:${ports[index * 3 + which]}`
    const address = {
      id: index + 1,
      client: at(0),
      advertised: options.advertised?.[index] ?? at(0),
      internal: at(1),
      internalAdvertised: at(1),
      controller: at(2),
      controllerAdvertised: at(2)
    }
    return { id: index + 1, address, folder: path.join(root, `node-${index + 1}`), child: undefined }
  })

  // Classes parsed once and mapped from then on halve every start; the first node that is asked to end writes them.
  const archive = path.join(jars, "classes.jsa")
  const archived = fs.existsSync(archive)
  const newArchive = `${archive}.${process.pid}`
  const java = [
    "-cp",
    path.join(jars, "*"),
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
    ...(archived ? [`-XX:SharedArchiveFile=${archive}`] : [])
  ]

  const format = (node: Node, properties: string) => {
    const words = ["kafka.tools.StorageTool", "format", "-t", clusterId, "-c", properties]
    return Effect.tryPromise({
      try: () => run("java", [...java, ...words, ...(security?.format ?? [])]),
      catch: (cause) => new KafkaUnavailable({ reason: `storage of node ${node.id}: ${String(cause)}` })
    })
  }

  const start = Effect.fnUntraced(function* (node: Node) {
    if (isAlive(node)) return
    const properties = path.join(node.folder, "server.properties")
    const data = path.join(node.folder, "data")
    if (!fs.existsSync(node.folder)) {
      fs.mkdirSync(node.folder)
      const settings = brokerSettings(
        node.address,
        nodes.map(({ address }) => address),
        { "log.dirs": data, ...security?.settings, ...options.overrides }
      )
      const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`)
      fs.writeFileSync(properties, lines.join(""))
      yield* format(node, properties)
    }
    const dump = archived || node.id !== 1 ? [] : [`-XX:ArchiveClassesAtExit=${newArchive}`]
    const [command = "java", ...words] = [...diesWithUs, "java", ...java, ...dump, "kafka.Kafka", properties]
    const child = spawn(command, words, { stdio: ["ignore", "pipe", "pipe"] })
    node.child = child
    yield* untilServing(node, child).pipe(
      Effect.timeoutOrElse({
        duration: "60 seconds",
        orElse: () => Effect.fail(new KafkaUnavailable({ reason: `node ${node.id} did not start within 60 s` }))
      })
    )
  })

  yield* Effect.addFinalizer(() =>
    Effect.forEach(nodes, (node) => end(node, archived || node.id !== 1 ? "SIGKILL" : "SIGTERM"), {
      concurrency: "unbounded",
      discard: true
    }).pipe(
      Effect.andThen(
        Effect.sync(() => {
          if (fs.existsSync(newArchive)) fs.renameSync(newArchive, archive)
        })
      )
    )
  )
  yield* Effect.forEach(nodes, start, { concurrency: "unbounded", discard: true })
  // Asked where no client comes in, so that nobody need log in for it.
  yield* untilWarm(nodes.map(({ address }) => address.internal))

  const nodeOf = (id: number): Node => {
    const node = nodes[id - 1]
    if (node === undefined) throw new RangeError(`there is no node ${id}`)
    return node
  }
  return {
    bootstrap: nodes.map(({ address }) => address.advertised),
    direct: nodes.map(({ address }) => address.client),
    certificate: security?.certificate ?? null,
    kill: (id) => end(nodeOf(id), "SIGKILL"),
    stop: (id) => end(nodeOf(id), "SIGTERM"),
    start: (id) => Effect.andThen(start(nodeOf(id)), untilAnswering(nodeOf(id).address.internal))
  }
})
