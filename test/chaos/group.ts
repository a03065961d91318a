/** Client and worker in one process group, so that one signal kills both: `node group.ts '<DrillPlace as JSON>'`. */
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

for (const name of ["client.ts", "worker.ts"]) {
  spawn(process.execPath, [fileURLToPath(new URL(name, import.meta.url)), process.argv[2] ?? ""], { stdio: "inherit" })
}
