/** A Redis of its own for one run: on loopback, with an append-only file synced every second, the usual durable setting. */
import { spawn } from "node:child_process"
import * as net from "node:net"
import { setTimeout as pause } from "node:timers/promises"

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as net.AddressInfo
      server.close(() => resolve(port))
    })
  })

const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => {
      socket.destroy()
      resolve(true)
    })
    socket.once("error", () => resolve(false))
  })

/** Starts it with its data in `folder`. */
export const startRedis = async (folder: string) => {
  const port = await freePort()
  const settings = [
    "--bind",
    "127.0.0.1",
    "--dir",
    folder,
    "--appendonly",
    "yes",
    "--appendfsync",
    "everysec",
    "--save",
    ""
  ]
  const child = spawn("redis-server", ["--port", String(port), ...settings], { stdio: "ignore" })
  const failed = new Promise<never>((_, reject) => child.once("error", reject))
  while (!(await Promise.race([answers(port), failed]))) await pause(50)
  return {
    url: `redis://127.0.0.1:${port}`,
    stop: () =>
      new Promise<void>((resolve) => {
        child.once("exit", () => resolve())
        child.kill("SIGKILL")
      })
  }
}
