import { existsSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { type Child, startNode } from "./child-process.ts"
import { projectFolder } from "./environment.ts"

export type Mode = "start" | "dev"

const webProgram = join(import.meta.dirname, "web.ts")
const workerProgram = join(import.meta.dirname, "worker.ts")
const restartDelaysMs = [500, 1_000, 2_000, 5_000, 15_000, 30_000]
const settledMs = 60_000
/** A little more than the web server gives the answers that are open. */
const webGraceMs = 27_000

export type Services = {
  /** Resolves with the web server's exit code when it ends by itself. */
  ended: Promise<number | null>
  /** Both at once, each with the grace it needs: jobs and answers under way may still be finished. */
  stop(): Promise<void>
}

/**
 * Starts the web server and the worker with exactly `env` and resolves when /health answers. Throws,
 * with both stopped, when the port is taken, the server does not come up, or `signal` aborts first.
 */
export async function startServices(
  env: Record<string, string>,
  options: { mode: Mode; signal?: AbortSignal },
): Promise<Services> {
  const port = Number(env.PORT || 3000)
  await assertPortIsFree(port, env.HOST)
  const web = startWeb(env, options.mode)
  const worker = startWorker(env)
  const stop = async () => {
    await Promise.all([worker.stop(), web.stop(webGraceMs)])
  }
  try {
    await waitForHealth(healthUrl(port, env.HOST), web, options.signal)
  } catch (error) {
    await stop()
    throw error
  }
  return { ended: web.exited, stop }
}

/** One web server process. Several may share a database, each on a port of its own. */
export function startWeb(env: Record<string, string>, mode: Mode): Child {
  if (mode === "start" && !existsSync(join(projectFolder, ".next", "BUILD_ID")))
    throw new Error(
      "There is no build yet. Run npm run build first (npm run demo does it for you).",
    )
  return startNode([webProgram, ...(mode === "dev" ? ["--dev"] : [])], env)
}

/** The worker, started again with growing pauses whenever it dies. */
export function startWorker(
  env: Record<string, string>,
  program = workerProgram,
): { stop(): Promise<void> } {
  const stopping = new AbortController()
  let current: Child | null = null
  const loop = async () => {
    for (let failures = 0; !stopping.signal.aborted; ) {
      const startedAt = Date.now()
      current = startNode([program], env)
      const code = await current.exited
      if (stopping.signal.aborted) return
      failures = Date.now() - startedAt > settledMs ? 0 : failures + 1
      const pauseMs = restartDelaysMs[Math.min(failures, restartDelaysMs.length) - 1] ?? 500
      console.error(`The worker ended (${code ?? "killed"}); starting it again in ${pauseMs} ms.`)
      await delay(pauseMs, null, { signal: stopping.signal }).catch(() => {})
    }
  }
  const done = loop()
  return {
    async stop() {
      stopping.abort()
      await current?.stop()
      await done
    },
  }
}

/** Resolves when `url` answers 200; throws when the server ends or two minutes pass. */
export async function waitForHealth(url: string, web: Child, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + 120_000
  let hasEnded = false
  web.exited.then(() => {
    hasEnded = true
  })
  while (!hasEnded && Date.now() < deadline) {
    signal?.throwIfAborted()
    if (await isHealthy(url)) return
    await delay(50)
  }
  signal?.throwIfAborted()
  throw new Error(
    hasEnded
      ? "The web server ended before it was ready; its own message is above."
      : `The web server does not answer at ${url}.`,
  )
}

export function healthUrl(port: number, host: string | undefined): string {
  const isAnyAddress = !host || host === "0.0.0.0" || host === "::"
  const name = isAnyAddress ? "127.0.0.1" : host
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}/health`
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(30_000) })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}

/**
 * Next would report it too, but only after the database was started and in words of its own. Waits a
 * moment first: after kill -9 the server before us notices within a tenth of a second.
 */
export async function assertPortIsFree(port: number, host: string | undefined): Promise<void> {
  const deadline = Date.now() + 1_000
  for (;;) {
    const code = await tryListening(port, host)
    if (!code) return
    if (code === "EADDRINUSE" && Date.now() < deadline) await delay(50)
    else {
      const reason = code === "EADDRINUSE" ? "another program uses it" : code
      throw new Error(`Port ${port} is not available: ${reason}. Set PORT to another one.`)
    }
  }
}

async function tryListening(port: number, host: string | undefined): Promise<string | null> {
  const probe = createServer()
  const code = await new Promise<string | null>((resolve) => {
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    probe.listen({ port, host: host || undefined }, () => resolve(null))
  })
  if (code === null) await new Promise((resolve) => probe.close(resolve))
  return code
}
