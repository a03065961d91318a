/** Postroom in a container: the secrets from their files, then the command, in this very process, which gets the signals. */
import { readFileSync } from "node:fs"
import { secretsOf } from "./secrets.ts"

try {
  Object.assign(
    process.env,
    secretsOf(process.env, (path) => readFileSync(path, "utf8"))
  )
} catch (cause) {
  process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`)
  process.exit(78)
}
// By a variable: the door is plain JavaScript, for an older Node to read.
const door = new URL("../bin/postroom.js", import.meta.url)
await import(door.href)
