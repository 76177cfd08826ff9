import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { connect } from "node:net"
import { setTimeout as delay } from "node:timers/promises"
import { findFreePorts } from "../deployment.ts"

export type RedisServer = {
  url: string
  /** Starts it; resolves once it takes connections. */
  start(): Promise<void>
  /** Holds it still, as a machine that hangs: connections stay and nothing answers. */
  hang(): void
  goOn(): void
  kill(): Promise<void>
}

/** A real Redis server on a port of its own, not started yet, that keeps nothing on disk. */
export async function prepareRedis(): Promise<RedisServer> {
  const [port] = await findFreePorts(1)
  let server: ChildProcess | null = null
  return {
    url: `redis://127.0.0.1:${port}`,
    async start() {
      const options = ["--port", String(port), "--save", "", "--bind", "127.0.0.1"]
      server = spawn("redis-server", options, { stdio: "ignore" })
      const deadline = Date.now() + 10_000
      while (!(await canConnect(port!))) {
        if (Date.now() > deadline) throw new Error("redis-server did not come up")
        await delay(20)
      }
    },
    hang() {
      server?.kill("SIGSTOP")
    },
    goOn() {
      server?.kill("SIGCONT")
    },
    async kill() {
      if (!server || server.exitCode !== null || server.signalCode !== null) return
      server.kill("SIGKILL")
      await once(server, "exit")
    },
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    const end = (isThere: boolean) => {
      socket.destroy()
      resolve(isThere)
    }
    socket.once("connect", () => end(true))
    socket.once("error", () => end(false))
  })
}
