import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { connect, createServer } from "node:net"
import { afterAll, beforeAll, expect, test, vi } from "vitest"

// A real Redis server: @upstash/ratelimit's scripts run as they do in production.

let server: ChildProcess
let takeRates: typeof import("./rates.ts").takeRates
let disconnectRedis: typeof import("./redis-rates.ts").disconnectRedis

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1")
  await once(probe, "listening")
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, "close")
  return port
}

async function waitForPort(port: number): Promise<void> {
  await vi.waitFor(
    async () => {
      const socket = connect(port, "127.0.0.1")
      await once(socket, "connect")
      socket.destroy()
    },
    { timeout: 5_000 },
  )
}

beforeAll(async () => {
  const port = await findFreePort()
  const options = ["--port", String(port), "--save", "", "--bind", "127.0.0.1"]
  server = spawn("redis-server", options, { stdio: "ignore" })
  await Promise.race([
    waitForPort(port),
    once(server, "error").then(([error]) => Promise.reject(error)),
  ])
  vi.stubEnv("REDIS_URL", `redis://127.0.0.1:${port}`)
  vi.resetModules()
  ;({ takeRates } = await import("./rates.ts"))
  ;({ disconnectRedis } = await import("./redis-rates.ts"))
})

afterAll(() => {
  disconnectRedis?.()
  server?.kill("SIGKILL")
})

async function countAllowed(attempts: number, take: () => Promise<unknown>): Promise<number> {
  const outcomes = await Promise.allSettled(Array.from({ length: attempts }, take))
  return outcomes.filter((outcome) => outcome.status === "fulfilled").length
}

test("exactly 20 of 50 concurrent requests pass a limit of 20, round after round", async () => {
  for (let round = 0; round < 10; round++) {
    const take = () => takeRates([{ rate: "chat.ip", subject: `round-${round}`, limit: 20 }])
    expect(await countAllowed(50, take)).toBe(20)
  }
})

test("a request refused by one bucket takes nothing from the others", async () => {
  const both = () =>
    takeRates([
      { rate: "chat.session", subject: "wide", limit: 10 },
      { rate: "chat.ip", subject: "narrow", limit: 2 },
    ])
  expect(await countAllowed(8, both)).toBe(2)
  const wide = () => takeRates([{ rate: "chat.session", subject: "wide", limit: 10 }])
  expect(await countAllowed(20, wide)).toBe(8)
})

test("a limit of nothing lets nothing through", async () => {
  await expect(takeRates([{ rate: "chat.ip", subject: "closed", limit: 0 }])).rejects.toMatchObject(
    {
      code: "rate_limited",
    },
  )
})

test("a Redis that hangs leaves a reduced limit, soon, and never none", async () => {
  server.kill("SIGSTOP")
  try {
    const startedAt = performance.now()
    const take = () => takeRates([{ rate: "chat.ip", subject: "hung", limit: 20 }])
    expect(await countAllowed(50, take)).toBe(5)
    expect(performance.now() - startedAt).toBeLessThan(3_000)
  } finally {
    server.kill("SIGCONT")
  }
})
