import { createServer, type RequestListener, type Server } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { Readable } from "node:stream"
import { afterEach, expect, test } from "vitest"
import { boundAnswer, hasTooManyHeaders } from "./bounds.ts"

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function serve(listener: RequestListener): Promise<number> {
  server = createServer(listener)
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve))
  return (server.address() as AddressInfo).port
}

test("I09 who reads ten bytes a second is cut off at the deadline, and little waits for them meanwhile", async () => {
  let made = 0
  const closed = Promise.withResolvers<number>()
  const startedAt = performance.now()
  const port = await serve((_, response) => {
    boundAnswer(response, 1_000)
    response.once("close", () => closed.resolve(performance.now() - startedAt))
    const endless = new Readable({
      read() {
        made += 16 * 1024
        this.push(Buffer.alloc(16 * 1024, "x"))
      },
    })
    endless.pipe(response)
  })
  const reader = connect(port, "127.0.0.1", () => reader.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n"))
  reader.on("error", () => {})
  reader.pause()
  const timer = setInterval(() => reader.read(10), 1_000)
  const lasted = await closed.promise
  clearInterval(timer)
  reader.destroy()
  expect(lasted).toBeGreaterThan(900)
  expect(lasted).toBeLessThan(5_000)
  // The kernel's own buffers, both ends of the line: not what an answer would have grown to.
  expect(made).toBeLessThan(30 * 1024 * 1024)
})

test("an answer that is read ends by itself, and its deadline with it", async () => {
  const port = await serve((_, response) => {
    boundAnswer(response, 200)
    response.end("done")
  })
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("done")
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("done")
})

test("headers are counted before they are read", async () => {
  const port = await serve((request, response) => {
    response.end(String(hasTooManyHeaders(request)))
  })
  const count = async (extra: number) => {
    const headers = Object.fromEntries(Array.from({ length: extra }, (_, i) => [`x-${i}`, "1"]))
    return (await fetch(`http://127.0.0.1:${port}/`, { headers })).text()
  }
  expect(await count(80)).toBe("false")
  expect(await count(100)).toBe("true")
})
