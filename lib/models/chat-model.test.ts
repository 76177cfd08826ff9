import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest"
import type { ModelEvent } from "./chat-model.ts"

// Against a server of our own that speaks the providers' real wire protocol.

type Reply = (request: IncomingMessage, response: ServerResponse, body: string) => void

let server: Server
let baseUrl: string
let reply: Reply
const requests: {
  url: string
  headers: IncomingMessage["headers"]
  body: Record<string, unknown>
}[] = []

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = ""
    request.on("data", (part) => {
      body += part
    })
    request.on("end", () => {
      requests.push({ url: request.url ?? "", headers: request.headers, body: JSON.parse(body) })
      reply(request, response, body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
})
afterAll(() => {
  vi.unstubAllEnvs()
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  requests.length = 0
})

const chunk = (delta: object, more: object = {}) =>
  `data: ${JSON.stringify({
    id: "1",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index: 0, delta, finish_reason: null }],
    ...more,
  })}\n\n`
const usageOf = (input: number, output: number, cached = 0) =>
  `${chunk(
    {},
    {
      choices: [{ index: 0, delta: {}, finish_reason: "stop" }],
      usage: {
        prompt_tokens: input,
        completion_tokens: output,
        total_tokens: input + output,
        prompt_tokens_details: { cached_tokens: cached },
      },
    },
  )}data: [DONE]\n\n`
const usageChunk = usageOf(120, 7)

const streams =
  (...parts: string[]): Reply =>
  (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" })
    for (const part of parts) response.write(part)
    response.end()
  }

/** The module as it is under these settings. */
async function load(settings: Record<string, string>) {
  vi.resetModules()
  const names = ["PROVIDER", "BASE_URL", "API_KEY", "NAME", "PRICE"]
  for (const name of names) vi.stubEnv(`MODEL_${name}`, settings[name] ?? "")
  return import("./chat-model.ts")
}

const compatible = () =>
  load({
    PROVIDER: "openai-compatible",
    BASE_URL: baseUrl,
    API_KEY: "provider-secret",
    NAME: "tiny",
    PRICE: "input=15,output=60",
  })

const prompt = {
  instructions: "Answer from the passages.",
  messages: [{ role: "user" as const, content: "How long?" }],
}

async function run(signal = new AbortController().signal) {
  const { findChatModel, streamModel } = await compatible()
  const events: ModelEvent[] = []
  for await (const event of streamModel(findChatModel()!, prompt, signal)) events.push(event)
  const end = events.at(-1)
  if (end?.type !== "end") throw new Error("the stream did not end")
  const text = events.flatMap((event) => (event.type === "text" ? [event.text] : [])).join("")
  return { text, end }
}

describe("the deployment's model", () => {
  test("is none unless provider and name are set, and compatible ones need an address", async () => {
    expect((await load({})).findChatModel()).toBeNull()
    expect((await load({ PROVIDER: "openai" })).findChatModel()).toBeNull()
    expect((await load({ NAME: "x" })).findChatModel()).toBeNull()
    const lost = await load({ PROVIDER: "openai-compatible", NAME: "x" })
    expect(lost.findChatModel()).toBeNull()
    const key = { API_KEY: "k", NAME: "x", PRICE: "15/60" }
    for (const PROVIDER of ["openai", "anthropic"])
      expect((await load({ PROVIDER, ...key })).findChatModel()).toMatchObject({ name: "x" })
  })
})

test("a model without a price is refused: no cap could hold it", async () => {
  const unpriced = { PROVIDER: "openai", API_KEY: "k", NAME: "x" }
  expect((await load(unpriced)).findChatModel()).toBeNull()
  expect((await load({ ...unpriced, PRICE: "soon" })).findChatModel()).toBeNull()
})

describe("a call", () => {
  test("streams text, reports the provider's own token counts and bounds the answer", async () => {
    reply = streams(
      chunk({ role: "assistant", content: "Ninety " }),
      chunk({ content: "days" }),
      usageChunk,
    )
    const { text, end } = await run()
    expect(text).toBe("Ninety days")
    expect(end).toEqual({
      type: "end",
      isAborted: false,
      error: null,
      usage: {
        model: "tiny",
        inputTokens: 120,
        outputTokens: 7,
        isEstimated: false,
        // 15 and 60 minor units for a million tokens.
        costNanos: 120n * 15_000n + 7n * 60_000n,
      },
    })
    const [{ body, headers }] = requests as [(typeof requests)[number]]
    expect(headers.authorization).toBe("Bearer provider-secret")
    expect(body).toMatchObject({
      model: "tiny",
      stream: true,
      stream_options: { include_usage: true },
      messages: [
        { role: "system", content: "Answer from the passages." },
        { role: "user", content: "How long?" },
      ],
    })
    expect(body.max_tokens ?? body.max_completion_tokens).toBe(1_000)
    expect(body.tools).toBeUndefined()
  })

  test("that the provider refuses ends with the error and at most two attempts", async () => {
    reply = (_, response) => {
      response.writeHead(500, { "content-type": "application/json" })
      response.end(JSON.stringify({ error: { message: "overloaded" } }))
    }
    const { text, end } = await run()
    expect(text).toBe("")
    expect(end.error).not.toBeNull()
    expect(end.usage.isEstimated).toBe(true)
    expect(requests.length).toBeLessThanOrEqual(2)
  })

  test("whose connection breaks half-way keeps what came and says that it broke", async () => {
    reply = (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" })
      response.write(chunk({ content: "Ninety" }), () => response.destroy())
    }
    const { text, end } = await run()
    expect(text).toBe("Ninety")
    expect(end.error).not.toBeNull()
    expect(end.usage).toMatchObject({ isEstimated: true, outputTokens: 2 })
  })

  test("answered with nonsense ends with an error, not with a crash", async () => {
    reply = (_, response) => {
      response.writeHead(200, { "content-type": "text/html" })
      response.end("<html>Sign in to the hotel network</html>")
    }
    const { text } = await run()
    expect(text).toBe("")
    reply = streams("data: not json\n\n", "data: [DONE]\n\n")
    expect((await run()).end.error).not.toBeNull()
  })

  test.each([
    ["below nothing", usageOf(-1_000_000, 7)],
    ["of an output below nothing", usageOf(120, -1_000_000)],
    ["of a cache below nothing", usageOf(120, 7, -1_000_000)],
    ["in fractions", usageOf(1.5, 7)],
    ["of fractions from a cache", usageOf(120, 7, 0.5)],
    ["that nobody can write", usageOf(120, 1e300)],
    ["that the ledger cannot hold", usageOf(2 ** 31, 7)],
  ])("with counts %s is counted by us", async (_, counts) => {
    reply = streams(chunk({ content: "Ninety days" }), counts)
    const { text, end } = await run()
    expect(text).toBe("Ninety days")
    // 33 characters were asked and 11 answered, four a token.
    expect(end.usage).toMatchObject({ isEstimated: true, inputTokens: 9, outputTokens: 3 })
    expect(end.usage.costNanos).toBe(9n * 15_000n + 3n * 60_000n)
  })

  test.each([
    ["in one piece", [chunk({ content: "[1 ".repeat(300_000) })], 16_000],
    [
      "in thousands of pieces",
      Array.from({ length: 9_000 }, () => chunk({ content: "[1" })),
      16_000,
    ],
    ["of thoughts", [chunk({ reasoning_content: "Hm. ".repeat(9_000) })], 0],
  ])(
    "that does not end is cut at the provider, and what came is kept: %s",
    async (_, parts, chars) => {
      const closed = new Promise<void>((resolve) => {
        reply = (_, response) => {
          response.on("close", () => resolve())
          response.writeHead(200, { "content-type": "text/event-stream" })
          for (const part of parts) response.write(part)
          response.write(chunk({ content: "more" }))
        }
      })
      const { text, end } = await run()
      await closed
      expect(text).toHaveLength(chars)
      expect(String(end.error)).toContain("more than it was asked for")
      expect(end).toMatchObject({ isAborted: false, usage: { isEstimated: true } })
      expect(requests).toHaveLength(1)
    },
  )

  test("of a visitor who leaves is cut at the provider, and what came is estimated", async () => {
    const controller = new AbortController()
    const closed = new Promise<void>((resolve) => {
      reply = (request, response) => {
        response.on("close", () => resolve())
        response.writeHead(200, { "content-type": "text/event-stream" })
        response.write(chunk({ content: "Ninety days and" }))
        request.socket.once("error", () => {})
        setTimeout(() => controller.abort(), 50)
      }
    })
    const { text, end } = await run(controller.signal)
    await closed
    expect(text).toBe("Ninety days and")
    expect(end).toMatchObject({ isAborted: true, error: null })
    expect(end.usage).toMatchObject({ isEstimated: true })
    expect(end.usage.outputTokens).toBeGreaterThan(0)
    expect(requests).toHaveLength(1)
  })
})

test("an estimate is never zero for some text and counts scripts that take more", async () => {
  const { estimateTokens } = await compatible()
  expect(estimateTokens("")).toBe(0)
  expect(estimateTokens("a")).toBe(1)
  expect(estimateTokens("Ninety days")).toBe(3)
  expect(estimateTokens("九十天")).toBe(3)
})
