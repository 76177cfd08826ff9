import { fork } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { startNode } from "./child-process.ts"
import { assertPortIsFree, healthUrl, startWorker, waitForHealth } from "./supervisor.ts"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "coatcheck-supervisor-"))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function writeProgram(code: string): string {
  const path = join(folder, "program.mjs")
  writeFileSync(path, code)
  return path
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // A zombie waits for init to reap it; it holds nothing any more.
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"))
  } catch {
    return false
  }
}

test("neither a child nor its own children survive kill -9 of the supervisor", async () => {
  const supervisor = fork(join(import.meta.dirname, "supervisor.fixture.ts"), { execArgv: [] })
  const { pids } = await new Promise<{ pids: number[] }>((resolve) =>
    supervisor.once("message", (message) => resolve(message as { pids: number[] })),
  )
  expect(pids.map(isAlive)).toEqual([true, true])
  supervisor.kill("SIGKILL")
  await expect.poll(() => pids.map(isAlive), { timeout: 10_000 }).toEqual([false, false])
})

test("a child that ignores SIGTERM is killed after its grace", async () => {
  const program = writeProgram(`
    process.on("SIGTERM", () => {})
    setInterval(() => {}, 1000)
    process.send("deaf")`)
  const child = startNode([program], {})
  await new Promise((resolve) => child.process.once("message", resolve))
  await child.stop(50)
  expect(child.process.signalCode).toBe("SIGKILL")
})

test("a child that has nothing left to do ends, although it follows its parent", async () => {
  const child = startNode([writeProgram("")], {})
  expect(await child.exited).toBe(0)
})

test("a worker that dies is started again, until it is stopped", async () => {
  const log = join(folder, "log")
  writeFileSync(log, "")
  const program = writeProgram(`
    import { appendFileSync } from "node:fs"
    appendFileSync(${JSON.stringify(log)}, "started ")
    process.exit(3)`)
  const worker = startWorker({}, program)
  await expect
    .poll(() => readFileSync(log, "utf8"), { timeout: 10_000 })
    .toMatch(/^started started /)
  // Resolves only when the loop that starts it has ended.
  await worker.stop()
})

test("waits for health through failures, and gives up when the server ends or is called off", async () => {
  let requests = 0
  const server = createServer((_, response) => {
    response.statusCode = ++requests < 3 ? 503 : 200
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const url = healthUrl((server.address() as AddressInfo).port, "127.0.0.1")
  const child = startNode([writeProgram("setInterval(() => {}, 1000)")], {})
  try {
    await waitForHealth(url, child)
    expect(requests).toBe(3)
    requests = -1e9
    await expect(waitForHealth(url, child, AbortSignal.abort())).rejects.toThrow(/aborted/)
    const waiting = waitForHealth(url, child)
    await child.stop()
    await expect(waiting).rejects.toThrow(/ended before it was ready/)
  } finally {
    await child.stop()
    await new Promise((resolve) => server.close(resolve))
  }
})

test("a taken port is named before anything is started", async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  await expect(assertPortIsFree(port, "127.0.0.1")).rejects.toThrow(
    `Port ${port} is not available: another program uses it. Set PORT to another one.`,
  )
  await new Promise((resolve) => server.close(resolve))
  await expect(assertPortIsFree(port, "127.0.0.1")).resolves.toBeUndefined()
})

test.each([
  [undefined, "http://127.0.0.1:80/health"],
  ["0.0.0.0", "http://127.0.0.1:80/health"],
  ["::", "http://127.0.0.1:80/health"],
  ["::1", "http://[::1]:80/health"],
  ["10.0.0.7", "http://10.0.0.7:80/health"],
])("health of host %s is asked at %s", (host, expected) => {
  expect(healthUrl(80, host)).toBe(expected)
})
