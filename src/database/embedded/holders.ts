/**
 * What ties a process to the server it uses: an open end of the FIFO `run/holders`, which the keeper
 * watches, and a reading end of `run/server`, which tells when the server is gone. Both belong to the
 * kernel: they close with the process, however it ends.
 */
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as net from "node:net"
import * as path from "node:path"
import { childEnvironment, type Identity } from "./identity.ts"

/** The FIFOs of a run directory. */
export interface Fifos {
  readonly holders: string
  readonly server: string
}

/** Makes the run directory and its FIFOs where they are missing; throws the file system's own error. */
export const ensureFifos = (run: string, identity: Identity): Fifos => {
  fs.mkdirSync(run, { recursive: true, mode: 0o700 })
  const { uid, gid } = identity.spawn
  if (uid !== undefined && gid !== undefined) fs.chownSync(run, uid, gid)
  const fifos = { holders: path.join(run, "holders"), server: path.join(run, "server") }
  const missing = [fifos.holders, fifos.server].filter((fifo) => !fs.existsSync(fifo))
  if (missing.length > 0) {
    const made = spawnSync("mkfifo", ["-m", "600", ...missing], {
      ...identity.spawn,
      cwd: "/",
      env: childEnvironment,
      encoding: "utf8"
    })
    const left = missing.filter((fifo) => !fs.existsSync(fifo))
    if (left.length > 0) throw new Error(made.error?.message ?? made.stderr.trim())
  }
  return fifos
}

/** Joins the users of the server. Reading and writing at once, so that opening never waits for the other side. */
export const hold = (fifos: Fifos): number => {
  const fd = fs.openSync(fifos.holders, fs.constants.O_RDWR | fs.constants.O_NONBLOCK)
  mark(fd, "+\n")
  return fd
}

const mark = (fd: number, text: string): void => {
  try {
    fs.writeSync(fd, text)
  } catch {
    // Nobody reads and the FIFO is full: the marks only tell how fast to stop, the open end is what counts.
  }
}

/**
 * Leaves the users of the server. With `linger` the keeper waits its grace, as if this process had
 * been killed; without, it stops the server at once when nobody else is left. True when nobody is.
 */
export const letGo = (fifos: Fifos, fd: number, linger: boolean): boolean => {
  const reader = fs.openSync(fifos.holders, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
  if (!linger) mark(fd, "-\n")
  fs.closeSync(fd)
  try {
    // The end of file comes only when no writer is left; as long as one is, an empty FIFO says EAGAIN.
    return isEndOfFile(reader)
  } finally {
    fs.closeSync(reader)
  }
}

const isEndOfFile = (reader: number): boolean => {
  const room = Buffer.alloc(4_096)
  for (;;) {
    try {
      if (fs.readSync(reader, room) === 0) return true
    } catch {
      return false
    }
  }
}

/** Completes when the server and all its backends have ended; at once when none runs. */
export const serverGone = (fifos: Fifos): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const fd = fs.openSync(fifos.server, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
    const socket = new net.Socket({ fd, readable: true, writable: false })
    const done = () => resume(Effect.void)
    socket.on("end", done).on("error", done).on("close", done)
    socket.resume()
    // Waiting for the end of a server must not keep a process alive that has nothing else to do.
    socket.unref()
    return Effect.sync(() => socket.destroy())
  })
