import { createServer, request as send } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, expect, test } from "vitest"
import { readActionRequest } from "./action-body.ts"

// Echoes what would go on to the decoder.
const server = createServer(async (request, response) => {
  const outcome = await readActionRequest(request)
  if (typeof outcome === "number") {
    response.writeHead(outcome).end()
    request.resume()
    return
  }
  let text = ""
  for await (const part of outcome) text += part
  response.end(JSON.stringify({ text, path: outcome.url, cookie: outcome.headers.cookie }))
})

beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)))
afterAll(() => server.close())

/** Sent in pieces when `pieces` are several: then its length is not declared. */
function post(
  pieces: (string | Buffer)[],
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { port } = server.address() as AddressInfo
    const type = { "content-type": "text/plain;charset=UTF-8", cookie: "a=b", ...headers }
    const outgoing = send({ port, path: "/page?x=1", method: "POST", headers: type }, (answer) => {
      let text = ""
      answer.on("data", (part) => {
        text += part
      })
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }))
    })
    outgoing.on("error", reject)
    for (const piece of pieces.slice(0, -1)) outgoing.write(piece)
    outgoing.end(pieces.at(-1))
  })
}

test("a list of plain values goes on whole, however it arrives", async () => {
  const text = JSON.stringify([
    "ten_1",
    {
      name: "$$5 off, and €",
      label: "$undefined",
      limit: "$NaN",
      list: [1, null, true, { deep: ["x"] }],
    },
  ])
  for (const pieces of [[text], [text.slice(0, 9), text.slice(9, 40), text.slice(40)]]) {
    const answer = await post(pieces)
    expect(JSON.parse(answer.text)).toEqual({ text, path: "/page?x=1", cookie: "a=b" })
  }
})

test("whatever React's decoder would do more with than take it as a value is refused", async () => {
  const marks = ["$0", "$1:a", "$F1", "$h1", "$@1", "$K1", "$B1", "$Q1", "$W1", "$R1", "$T", "$n9"]
  for (const mark of [...marks, "$D2026-01-01", "$Infinity1", "$"]) {
    expect((await post([JSON.stringify([mark])])).status, mark).toBe(400)
    expect((await post([JSON.stringify(["ten_1", { a: [mark] }])])).status, mark).toBe(400)
  }
})

test("neither broken nor deep nor foreign bodies go on", async () => {
  const deep = (depth: number) => "[".repeat(depth) + "]".repeat(depth)
  for (const body of ["", "{", "{}", "null", "7", '"text"', "hello", deep(17), deep(200_000)])
    expect((await post([body])).status, body.slice(0, 20)).toBe(400)
  expect((await post([Buffer.from([0x5b, 0x22, 0xc3, 0x28, 0x22, 0x5d])])).status).toBe(400)
  expect((await post([Buffer.from('["a"]', "utf16le")])).status).toBe(400)
  expect((await post([deep(16)])).status).toBe(200)
  for (const type of ["multipart/form-data; boundary=x", "application/json", "text/plainer"])
    expect((await post(["[]"], { "content-type": type })).status, type).toBe(415)
  expect((await post(["[]"], { "content-encoding": "gzip" })).status).toBe(415)
})

test("one byte too many is refused, with a declared length and without", async () => {
  const full = Buffer.alloc(4 * 1024 * 1024, 0x20)
  full.write("[")
  full.write("]", full.length - 1)
  expect((await post([full])).status).toBe(200)
  expect((await post([full, " "])).status).toBe(413)
  expect((await post([Buffer.concat([full, Buffer.from(" ")])])).status).toBe(413)
})

test("millions of empty values are refused unparsed; commas inside a text are text", async () => {
  for (const one of ["{},", "[],", "0,"])
    expect((await post([`[${one.repeat(1_000_000)}0]`])).status).toBe(400)
  const text = JSON.stringify([{ text: 'a, "b" [c] {d} \\, '.repeat(20_000) }])
  expect(JSON.parse((await post([text])).text).text).toBe(text)
})
