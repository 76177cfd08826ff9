import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

// A scripted model behind the real OpenAI-compatible wire protocol. The visitor's own words choose the
// script, so a test needs no switch that another test could leave thrown.

export type ModelMessage = { role: string; content: string }

export type ModelCall = {
  messages: ModelMessage[]
  /** The whole request. */
  body: Record<string, unknown>
  /** What the visitor asked: the last message. */
  question: string
  tokensSent: number
  outcome: "running" | "finished" | "aborted" | "refused"
}

export type FakeModel = {
  /** For MODEL_BASE_URL. */
  url: string
  calls: ModelCall[]
  /** The one call whose question contains `text`, once it satisfies `isReached`. Throws after 10 s. */
  waitForCall(text: string, isReached?: (call: ModelCall) => boolean): Promise<ModelCall>
  stop(): Promise<void>
}

/** What each marker in a question makes the model do. */
export const scripts = {
  /** Two hundred tokens, one every 50 ms. */
  slow: "#slow",
  /** The same with a pause of 10 ms. */
  brisk: "#brisk",
  /** Cites a passage that was never retrieved. */
  wrongCitation: "#wrongcitation",
  /** Answers 500 before the first token. */
  failing: "#failing",
  /** Answers 429 before the first token, as an overloaded provider does. */
  busy: "#busy",
  /** A token every 50 ms, for longer than anybody waits. */
  endless: "#endless",
  /** Takes the request and never answers. */
  hanging: "#hanging",
  /** Breaks the connection in the middle of the answer. */
  breaking: "#breaking",
  /** Markdown and HTML that would run, or call home, if anything rendered it raw. */
  hostile: "#hostile",
  /** A long answer with everything that Markdown in a chat may hold. */
  rich: "#rich",
  /** Says what follows, base64url of UTF-8, word for word: `say("…")` makes it. */
  say: "#say:",
  /** Repeats everything it was given, as a model that obeys every injection would. */
  echo: "#echo",
} as const

/** The marker that makes the model answer exactly this. */
export function say(text: string): string {
  return scripts.say + Buffer.from(text, "utf8").toString("base64url")
}

export const hostileAnswer = [
  "**Bold** and a list:",
  "",
  "- one",
  "- two",
  "",
  "<img src=x onerror=\"parent.postMessage('pwned','*');window.pwned=1\">",
  "<script>window.pwned=1</script>",
  "[a link](javascript:window.pwned=1) and [another](https://evil.example/?q=secret)",
  "![picture](https://evil.example/pixel.png)",
  '<iframe srcdoc="<script>parent.pwned=1</script>"></iframe>',
  "[1]",
].join("\n")

const richAnswer = [
  "Yes, and it depends on **what** you send back [1]:",
  "",
  "1. Unused things in their box: *thirty days*.",
  "2. Made to measure: only when we made a mistake.",
  "",
  "| Country | Postage | Days |",
  "| --- | ---: | ---: |",
  "| Austria | 0.00 | 2 |",
  "| Everywhere else in the Union | 12.90 | 5 |",
  "",
  "Write this on the parcel [2]:",
  "",
  "```",
  "RETURN 4711-2",
  "```",
  "",
  "> Keep the receipt of the post office.",
].join("\n")

const slowTokens = Array.from({ length: 200 }, (_, i) => `word${i} `)

/** Ports up to here include the ones that fetch refuses to speak to. */
const highestRefusedPort = 10_080

/** Listens on a random loopback port that every client will talk to. */
export async function listenOnLoopback(server: Server): Promise<number> {
  for (;;) {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject)
      server.listen(0, "127.0.0.1", resolve)
    })
    const { port } = server.address() as AddressInfo
    if (port > highestRefusedPort) return port
    await new Promise((resolve) => server.close(resolve))
  }
}

export async function startFakeModel(): Promise<FakeModel> {
  const calls: ModelCall[] = []
  const listeners = new Set<() => void>()
  const announce = () => {
    for (const listener of listeners) listener()
  }
  const server = createServer((request, response) => {
    answer(request, response, calls, announce).catch(() => response.destroy())
  })
  const port = await listenOnLoopback(server)
  return {
    url: `http://127.0.0.1:${port}/v1`,
    calls,
    waitForCall(text, isReached = () => true) {
      const find = () => calls.find((call) => call.question.includes(text) && isReached(call))
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          listeners.delete(check)
          const seen = calls.filter((call) => call.question.includes(text))
          reject(new Error(`No model call for “${text}” got there; seen: ${JSON.stringify(seen)}`))
        }, 10_000)
        const check = () => {
          const call = find()
          if (!call) return
          clearTimeout(timer)
          listeners.delete(check)
          resolve(call)
        }
        listeners.add(check)
        check()
      })
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

type ChatBody = {
  model: string
  messages: { role: string; content: string | { text?: string }[] }[]
  stream?: boolean
  stream_options?: { include_usage?: boolean }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  calls: ModelCall[],
  announce: () => void,
): Promise<void> {
  if (request.method !== "POST" || !request.url?.endsWith("/chat/completions")) {
    response.writeHead(404, { "content-type": "application/json" })
    response.end('{"error":{"message":"not found"}}')
    return
  }
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  const body = JSON.parse(Buffer.concat(parts).toString("utf8")) as ChatBody
  const messages = body.messages.map(({ role, content }) => ({ role, content: flatten(content) }))
  const question = messages.at(-1)?.content ?? ""
  const call: ModelCall = { messages, body, question, tokensSent: 0, outcome: "running" }
  calls.push(call)
  announce()
  response.on("close", () => {
    if (call.outcome !== "running") return
    call.outcome = "aborted"
    announce()
  })
  if (question.includes(scripts.hanging)) return
  if (question.includes(scripts.failing)) {
    call.outcome = "refused"
    response.writeHead(500, { "content-type": "application/json" })
    response.end('{"error":{"message":"the model is out of order","type":"server_error"}}')
    return
  }
  if (question.includes(scripts.busy)) {
    call.outcome = "refused"
    response.writeHead(429, { "content-type": "application/json" })
    response.end('{"error":{"message":"slow down","type":"rate_limit_error"}}')
    return
  }
  const { tokens, pauseMs } = chooseScript(question, messages)
  await stream(response, body, { tokens, pauseMs, call, announce })
}

function flatten(content: string | { text?: string }[]): string {
  return typeof content === "string" ? content : content.map((part) => part.text ?? "").join("")
}

function chooseScript(question: string, messages: ModelMessage[]) {
  const has = (marker: string) => question.includes(marker)
  if (has(scripts.slow)) return { tokens: slowTokens, pauseMs: 50 }
  if (has(scripts.endless))
    return { tokens: Array.from({ length: 2_000 }, () => "on and on "), pauseMs: 50 }
  if (has(scripts.brisk)) return { tokens: slowTokens, pauseMs: 10 }
  if (has(scripts.breaking)) return { tokens: [...slowTokens.slice(0, 5), null], pauseMs: 5 }
  if (has(scripts.wrongCitation))
    return { tokens: split("Thirty days [99], as everybody knows [1]."), pauseMs: 0 }
  if (has(scripts.rich)) return { tokens: split(richAnswer), pauseMs: 0 }
  if (has(scripts.hostile)) return { tokens: split(hostileAnswer), pauseMs: 0 }
  const said = /#say:([\w-]+)/.exec(question)?.[1]
  if (said) return { tokens: split(Buffer.from(said, "base64url").toString("utf8")), pauseMs: 0 }
  if (has(scripts.echo))
    return { tokens: split(messages.map((m) => m.content).join("\n")), pauseMs: 0 }
  const passage = /\[1\][^\n]*\n([^\n]+)/.exec(messages[0]?.content ?? "")?.[1] ?? "Yes."
  return { tokens: split(`${passage.slice(0, 300)} [1]`), pauseMs: 0 }
}

/** Pieces of a few characters, markers cut in the middle included, as models really send them. */
function split(text: string): string[] {
  return text.match(/[\s\S]{1,7}/g) ?? []
}

async function stream(
  response: ServerResponse,
  body: ChatBody,
  script: {
    tokens: (string | null)[]
    pauseMs: number
    call: ModelCall
    announce: () => void
  },
): Promise<void> {
  const { tokens, pauseMs, call, announce } = script
  const frame = {
    id: "chatcmpl-fake",
    object: "chat.completion.chunk",
    created: Math.floor(Date.now() / 1000),
    model: body.model,
  }
  const send = (fields: object) =>
    response.write(`data: ${JSON.stringify({ ...frame, ...fields })}\n\n`)
  const delta = (content: object, reason: string | null = null) =>
    send({ choices: [{ index: 0, delta: content, finish_reason: reason }] })
  response.writeHead(200, { "content-type": "text/event-stream" })
  delta({ role: "assistant", content: "" })
  for (const token of tokens) {
    if (token === null) {
      call.outcome = "refused"
      response.destroy()
      return
    }
    if (call.outcome !== "running") return
    delta({ content: token })
    call.tokensSent += 1
    announce()
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  delta({}, "stop")
  if (body.stream_options?.include_usage) {
    const prompt = Math.ceil(body.messages.map((m) => flatten(m.content)).join("").length / 4)
    const usage = {
      prompt_tokens: prompt,
      completion_tokens: tokens.length,
      total_tokens: prompt + tokens.length,
    }
    send({ choices: [], usage })
  }
  call.outcome = "finished"
  response.end("data: [DONE]\n\n")
  announce()
}
