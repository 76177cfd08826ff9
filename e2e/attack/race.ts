import { connect, type Socket } from "node:net"

export type Held = { url: string; headers: Record<string, string>; body: unknown }
export type Raced = {
  status: number
  headers: Record<string, string>
  text: string
}
export type Runner = { socket: Socket; answer: Promise<Raced> }

/**
 * Requests held at a barrier: each is sent but for its last byte, so that the server has authenticated it and
 * waits for the rest; then all of them are let go in one turn of the event loop.
 */
export async function holdAtBarrier(requests: Held[]): Promise<{ release(): Runner[] }> {
  const held = await Promise.all(requests.map(hold))
  return {
    release() {
      for (const { socket, lastByte } of held) socket.write(lastByte)
      return held.map(({ socket, answer }) => ({ socket, answer }))
    },
  }
}

/** The same, and reads every answer to its end. */
export async function race(requests: Held[]): Promise<Raced[]> {
  const barrier = await holdAtBarrier(requests)
  return Promise.all(barrier.release().map(({ answer }) => answer))
}

async function hold({ url, headers, body }: Held) {
  const { hostname, port, pathname, host } = new URL(url)
  const bytes = Buffer.from(JSON.stringify(body))
  const lines = Object.entries({
    host,
    "content-type": "application/json",
    "content-length": String(bytes.length),
    connection: "close",
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  const socket = connect(Number(port), hostname)
  socket.setNoDelay(true)
  const answer = readAnswer(socket)
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject)
    const head = Buffer.from(`POST ${pathname} HTTP/1.1\r\n${lines.join("")}\r\n`)
    socket.write(Buffer.concat([head, bytes.subarray(0, -1)]), () => resolve())
  })
  return { socket, answer, lastByte: bytes.subarray(-1) }
}

function readAnswer(socket: Socket): Promise<Raced> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    socket.on("data", (chunk) => chunks.push(chunk))
    // Cut off by us or by them: what came counts.
    socket.on("error", () => {})
    socket.on("close", () => resolve(parse(Buffer.concat(chunks).toString("utf8"))))
  })
}

function parse(raw: string): Raced {
  const [head = "", ...rest] = raw.split("\r\n\r\n")
  const [first = "", ...lines] = head.split("\r\n")
  const headers = lines.map((line) => {
    const [name = "", ...value] = line.split(": ")
    return [name.toLowerCase(), value.join(": ")]
  })
  return {
    status: Number(first.split(" ")[1] ?? 0),
    headers: Object.fromEntries(headers),
    text: rest.join("\r\n\r\n"),
  }
}
