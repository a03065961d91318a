/** The jars of the broker, resolved by Maven once per version into a cache: `KAFKA_JARS` or the user's own. */
import { Effect } from "effect"
import { execFile } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { promisify } from "node:util"
import { KafkaUnavailable, kafkaVersion } from "./KafkaCluster.ts"

const run = promisify(execFile)

const pom = `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>postroom</groupId><artifactId>kafka-for-tests</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${kafkaVersion}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`

const cache = (): string => {
  const given = process.env["KAFKA_JARS"]
  return given === undefined || given === "" ? path.join(os.homedir(), ".cache", "postroom", "kafka") : given
}

/** Whether a program of this name can be started. */
const isOnPath = (program: string): boolean =>
  (process.env["PATH"] ?? "").split(path.delimiter).some((folder) => fs.existsSync(path.join(folder, program)))

const resolveInto = async (folder: string): Promise<void> => {
  fs.mkdirSync(path.dirname(folder), { recursive: true })
  const work = fs.mkdtempSync(`${folder}.`)
  try {
    fs.writeFileSync(path.join(work, "pom.xml"), pom)
    const quietly = ["-B", "-ntp", "-q", "-f", path.join(work, "pom.xml")]
    await run("mvn", [...quietly, "dependency:copy-dependencies", `-DoutputDirectory=${work}`])
    fs.renameSync(work, folder)
  } catch (cause) {
    fs.rmSync(work, { recursive: true, force: true })
    // Another process may have been first: its jars are as good.
    if (!fs.existsSync(folder)) throw cause
  }
}

const folder = (): string => path.join(cache(), kafkaVersion)

/** What is missing for brokers in JVMs: Java, or Maven where nothing is in the cache. Null where nothing is. */
export const missingForJvm = (): string | null => {
  if (!isOnPath("java")) return "java is not installed"
  return fs.existsSync(folder()) || isOnPath("mvn") ? null : "mvn is not installed and no jars are cached"
}

/** The folder of the jars. */
export const kafkaJars: Effect.Effect<string, KafkaUnavailable> = Effect.gen(function* () {
  const missing = missingForJvm()
  if (missing !== null) return yield* new KafkaUnavailable({ reason: missing })
  if (fs.existsSync(folder())) return folder()
  yield* Effect.tryPromise({
    try: () => resolveInto(folder()),
    catch: (cause) => new KafkaUnavailable({ reason: `Maven could not resolve the broker (${String(cause)})` })
  })
  return folder()
})
