/**
 * A listener that lets nobody in without TLS and a name: a certificate of its
 * own, made by the keytool that comes with Java, and one user who may log in by
 * PLAIN and both SCRAMs. The nodes among themselves stay as they are.
 */
import { Effect } from "effect"
import { execFile } from "node:child_process"
import * as path from "node:path"
import { promisify } from "node:util"
import { KafkaUnavailable } from "./KafkaCluster.ts"
import type { Login } from "./KafkaCluster.ts"

const run = promisify(execFile)

/** Of a key that lives as long as a test. */
const storePassword = "keystore"

/** Settings of the nodes, words for the formatting of their storage, and the certificate for clients, as PEM. */
export const secure = (folder: string, login: Login) =>
  Effect.tryPromise({
    try: async () => {
      const store = path.join(folder, "keystore.p12")
      const common = ["-alias", "broker", "-keystore", store, "-storetype", "PKCS12", "-storepass", storePassword]
      const names = ["-dname", "CN=localhost", "-ext", "san=dns:localhost,ip:127.0.0.1"]
      await run("keytool", ["-genkeypair", ...common, "-keyalg", "EC", "-groupname", "secp256r1", ...names])
      const { stdout } = await run("keytool", ["-exportcert", "-rfc", ...common])
      const modules = "org.apache.kafka.common.security"
      return {
        certificate: stdout,
        settings: {
          "listener.security.protocol.map": "CLIENT:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
          "listener.name.client.ssl.keystore.type": "PKCS12",
          "listener.name.client.ssl.keystore.location": store,
          "listener.name.client.ssl.keystore.password": storePassword,
          "listener.name.client.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
          "listener.name.client.plain.sasl.jaas.config": `${modules}.plain.PlainLoginModule required user_${login.username}="${login.password}";`,
          "listener.name.client.scram-sha-256.sasl.jaas.config": `${modules}.scram.ScramLoginModule required;`,
          "listener.name.client.scram-sha-512.sasl.jaas.config": `${modules}.scram.ScramLoginModule required;`
        },
        format: ["SCRAM-SHA-256", "SCRAM-SHA-512"].flatMap((mechanism) => [
          "--add-scram",
          `${mechanism}=[name=${login.username},password=${login.password}]`
        ])
      }
    },
    catch: (cause) => new KafkaUnavailable({ reason: `keytool makes no certificate (${String(cause)})` })
  })
