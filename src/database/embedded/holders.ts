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
import { childEnvironment, type Identity } from "./Identity.ts"

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
  try {
    fs.writeSync(fd, "+\n")
  } catch {
    // Nobody reads and the FIFO is full: the mark only starts the grace anew, the open end is what counts.
  }
  return fd
}

/** Leaves the users of the server. True when nobody else is left. */
export const letGo = (fifos: Fifos, fd: number): boolean => {
  const reader = openForReading(fifos.holders)
  fs.closeSync(fd)
  return atEnd(reader)
}

/** Whether a server, or the rest of one, lives. */
export const serverLives = (fifos: Fifos): boolean => !atEnd(openForReading(fifos.server))

const openForReading = (fifo: string): number => fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)

/** The end of a FIFO comes only when no writer is left; as long as one is, an empty one says EAGAIN. */
const atEnd = (reader: number): boolean => {
  const room = Buffer.alloc(4_096)
  try {
    while (fs.readSync(reader, room) > 0);
    return true
  } catch {
    return false
  } finally {
    fs.closeSync(reader)
  }
}

/** Completes when the server and all its backends have ended; at once when none runs. */
export const serverGone = (fifos: Fifos): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const fd = openForReading(fifos.server)
    const socket = new net.Socket({ fd, readable: true, writable: false })
    const done = () => {
      socket.destroy()
      resume(Effect.void)
    }
    socket.on("end", done).on("error", done).on("close", done)
    socket.resume()
    // Waiting for the end of a server must not keep a process alive that has nothing else to do.
    socket.unref()
    return Effect.sync(() => socket.destroy())
  })
