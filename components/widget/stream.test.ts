import { describe, expect, test } from "vitest"
import type { StreamPart } from "./contract.ts"
import { readParts } from "./stream.ts"

const parts = [
  { type: "start", messageId: "msg_1" },
  { type: "data-conversation", data: { id: "cnv_1" } },
  { type: "text-delta", id: "t", delta: "Grüße 👩‍👩‍👧 – مرحبا\n\n[1]" },
  { type: "finish" },
]
const frames = parts.map((part) => `data: ${JSON.stringify(part)}`)

const bodyOf = (chunks: Uint8Array[]) =>
  new ReadableStream<Uint8Array>({
    start(stream) {
      for (const chunk of chunks) stream.enqueue(chunk)
      stream.close()
    },
  })

async function collect(chunks: Uint8Array[]): Promise<StreamPart[]> {
  const found: StreamPart[] = []
  for await (const part of readParts(bodyOf(chunks))) found.push(part)
  return found
}

const encode = (text: string) => new TextEncoder().encode(text)

describe.each([
  ["LF", "\n"],
  ["CRLF", "\r\n"],
  ["CR", "\r"],
])("with %s line ends", (_, end) => {
  const bytes = encode(
    `: hello${end}${end}${frames.map((frame) => `id: 7${end}${frame}${end}${end}`).join("")}data: [DONE]${end}${end}`,
  )

  test("every split of the bytes in two gives the same parts", async () => {
    for (let at = 0; at <= bytes.length; at++)
      expect(await collect([bytes.slice(0, at), bytes.slice(at)]), `at ${at}`).toEqual(parts)
  })

  test("single bytes give the same parts", async () => {
    expect(await collect(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(parts)
  })
})

test("data over several lines is one event", async () => {
  expect(await collect([encode('data: {"type":\ndata: "finish"}\n\n')])).toEqual([
    { type: "finish" },
  ])
})

test("what is not a part is skipped: broken JSON, numbers, null, no type", async () => {
  const bytes = encode(
    'data: {"type":\n\ndata: 7\n\ndata: null\n\ndata: {}\n\ndata: {"type":"abort"}\n\n',
  )
  expect(await collect([bytes])).toEqual([{ type: "abort" }])
})

test("a last event without its blank line still counts", async () => {
  expect(await collect([encode('data: {"type":"finish"}')])).toEqual([{ type: "finish" }])
})

test("nothing after [DONE] is read, and the body is cancelled", async () => {
  let isCancelled = false
  const body = new ReadableStream<Uint8Array>({
    start: (stream) => stream.enqueue(encode('data: [DONE]\n\ndata: {"type":"finish"}\n\n')),
    cancel: () => {
      isCancelled = true
    },
  })
  for await (const part of readParts(body)) expect.unreachable(part.type)
  expect(isCancelled).toBe(true)
})

test("a line that falls silent is an error, not an endless wait", async () => {
  const body = new ReadableStream<Uint8Array>({ start: () => {} })
  const read = async () => {
    for await (const part of readParts(body, 20)) expect.unreachable(part.type)
  }
  await expect(read()).rejects.toThrow("silent")
})
