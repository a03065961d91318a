/** CPU time and memory of processes, read from /proc (Linux). */
import * as fs from "node:fs"

const ticksPerSecond = 100

const read = (file: string): string | undefined => {
  try {
    return fs.readFileSync(file, "latin1")
  } catch {
    return undefined
  }
}

/** CPU time of a process and of its children that have ended, ms; 0 when it is gone. */
export const cpuMsOf = (pid: number): number => {
  // The name may hold spaces and brackets: what follows the last bracket is counted from field 3.
  const fields = read(`/proc/${pid}/stat`)?.split(") ").at(-1)?.split(" ")
  if (fields === undefined) return 0
  const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0)
  return (ticks * 1000) / ticksPerSecond
}

/** A memory line of a process in MB: `VmRSS` now, `VmHWM` its peak. */
export const memoryMbOf = (pid: number, line: "VmRSS" | "VmHWM"): number => {
  const match = new RegExp(`^${line}:\\s+(\\d+) kB`, "m").exec(read(`/proc/${pid}/status`) ?? "")
  return Number(match?.[1] ?? Number.NaN) / 1024
}

/** The server processes of an embedded Postgres: those that work in its cluster's directory. */
export const serverPids = (dataDir: string): ReadonlyArray<number> =>
  fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return fs.readlinkSync(`/proc/${pid}/cwd`).startsWith(`${dataDir}/`)
      } catch {
        return false
      }
    })
    .map(Number)

/** CPU time of all of an embedded Postgres, ended connections included, ms. */
export const serverCpuMs = (dataDir: string): number => serverPids(dataDir).reduce((sum, pid) => sum + cpuMsOf(pid), 0)

/** Processes that descend from `pid`. */
export const descendantsOf = (pid: number): ReadonlyArray<number> => {
  const children = read(`/proc/${pid}/task/${pid}/children`)?.trim()
  if (children === undefined || children === "") return []
  return children.split(" ").flatMap((child) => [Number(child), ...descendantsOf(Number(child))])
}
