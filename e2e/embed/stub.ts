import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { Citation, SessionView, StreamPart } from "#components/widget/contract.ts"
import { renderEmbedPage } from "#lib/embed/page.ts"
import { bundleEmbed } from "#scripts/build-embed.ts"
import { listenOnLoopback } from "../fake-model.ts"

// A counter without a database behind the loader and the widget: it says exactly what a test scripts,
// also what the real one says once in a thousand days. The assets are built here, from the sources.

export type Script = {
  bot: Partial<SessionView["bot"]> & { label?: string | null; position?: "left" | "right" }
  messages: SessionView["conversation"]["messages"]
  /** Parts of the next answers; `"break"` drops the connection, a number waits so many ms. */
  answer: (StreamPart | "break" | number)[]
  /** A refusal for the chat route instead of an answer. */
  refusal: { status: number; code: string; detail: string; retryAfter?: number } | null
  isKeyLive: boolean
  isSiteRefused: boolean
  expiresInSeconds: number
  frameAncestors: string | null
  /** The host page: its own policy, head and body. */
  pagePolicy: string | null
  pageHead: string
  pageBody: string
}

const defaults = (): Script => ({
  bot: {},
  messages: [],
  answer: plainAnswer,
  refusal: null,
  isKeyLive: true,
  isSiteRefused: false,
  expiresInSeconds: 300,
  frameAncestors: null,
  pagePolicy: null,
  pageHead: "",
  pageBody: "",
})

const citation: Citation = {
  number: 1,
  chunkId: "chk_1",
  sourceId: "src_1",
  title: "Repairs",
  heading: "How long it takes",
  text: "Small repairs are done while you wait.",
  url: "https://docs.example.org/repairs",
  page: null,
}

/** An answer of this text, with one source. */
export const answerOf = (text: string): StreamPart[] => [
  { type: "start", messageId: "msg_1" },
  { type: "data-citation", data: citation },
  { type: "text-delta", delta: text },
  {
    type: "data-answer",
    data: { isAnswered: true, mode: "model", offerLead: false, isCapped: false },
  },
  { type: "finish" },
]

export const plainAnswer = answerOf("Small repairs are done **while you wait** [1].")

type Call = {
  method: string
  path: string
  body: Record<string, unknown>
  origin: string | undefined
}

export type Stub = {
  origin: string
  shop: string
  script: Script
  calls: Call[]
  /** Every token sold so far is dead from now on. */
  revokeTokens: () => void
  reset: () => void
  stop: () => Promise<void>
}

/** Starts the counter and a shop on two loopback origins. */
export async function startStub(): Promise<Stub> {
  const assets = await bundleEmbed()
  const tokens = new Set<string>()
  const calls: Call[] = []
  let script = defaults()
  let serial = 0

  const bot = () => ({
    id: "bot_1",
    name: "Corner Shop",
    color: "#126047",
    greeting: "Hello! Ask me about repairs.",
    limitNote: "",
    starters: ["How long does a repair take?"],
    locale: null,
    isTest: false,
    linkOrigins: ["https://shop.example.com"],
    ...script.bot,
  })

  const files: Record<string, [string, Uint8Array]> = {
    "/embed.js": ["text/javascript", assets.loader],
    "/widget/app.js": ["text/javascript", assets.script],
    "/widget/app.css": ["text/css", assets.style],
  }

  async function answerCounter(request: IncomingMessage, response: ServerResponse) {
    const url = new URL(request.url ?? "/", stub.origin)
    const file = files[url.pathname]
    if (file) return send(response, 200, file[1], { "content-type": file[0] })
    if (url.pathname === "/embed") return sendFrame(response, url)
    const text = await readBody(request)
    const path = url.pathname.replace("/api/embed/", "")
    const body = text ? JSON.parse(text) : {}
    calls.push({ method: request.method ?? "", path, body, origin: request.headers.origin })
    if (path === "config")
      return sendJson(response, 200, look(), { "access-control-allow-origin": "*" })
    if (path === "ticket") {
      if (script.isSiteRefused) return sendJson(response, 403, { code: "origin_refused" })
      const allowed = { "access-control-allow-origin": request.headers.origin ?? "" }
      return sendJson(response, 201, { ticket: `ticket-${++serial}`, expiresIn: 60 }, allowed)
    }
    if (path === "session") return openSession(response, body)
    if (!tokens.has(request.headers.authorization?.slice(7) ?? ""))
      return sendJson(response, 401, { code: "unauthorized" })
    if (path === "chat") return sendAnswer(response)
    response.writeHead(204).end()
  }

  const look = () => {
    if (!script.isKeyLive) return { enabled: false }
    const { name, color, greeting, locale } = bot()
    const { label = null, position = "right" } = script.bot
    return { enabled: true, name, color, greeting, locale, label, position }
  }

  function openSession(response: ServerResponse, body: Record<string, unknown>) {
    const token = `token-${++serial}`
    tokens.add(token)
    const isReturning = typeof body.visitorSecret === "string"
    sendJson(response, 201, {
      token,
      expiresIn: script.expiresInSeconds,
      sessionId: "ses_1",
      visitorId: "vis_1",
      visitorSecret: body.visitorSecret ?? `secret-${serial}`,
      bot: bot(),
      conversation: { id: null, messages: isReturning ? script.messages : [] },
    })
  }

  async function sendAnswer(response: ServerResponse) {
    const { refusal, answer } = script
    if (refusal) {
      const { status, code, detail, retryAfter } = refusal
      const headers: Record<string, string> = retryAfter
        ? { "retry-after": String(retryAfter) }
        : {}
      return sendJson(response, status, { code, title: code, detail }, headers)
    }
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" })
    for (const part of answer) {
      if (part === "break") return response.destroy()
      if (typeof part === "number") await new Promise((resolve) => setTimeout(resolve, part))
      else response.write(`data: ${JSON.stringify(part)}\n\n`)
    }
    response.end("data: [DONE]\n\n")
  }

  function sendFrame(response: ServerResponse, url: URL) {
    const nonce = "bm9uY2U="
    const html = renderEmbedPage({
      nonce,
      scriptPath: "/widget/app.js",
      stylePath: "/widget/app.css",
      bootstrap: { keyId: `key_${url.searchParams.get("key")}` },
    })
    const policy = [
      "default-src 'none'",
      `script-src 'self' 'nonce-${nonce}'`,
      `style-src 'self' 'nonce-${nonce}'`,
      `connect-src ${stub.origin}/api/embed/`,
      "img-src 'self' data:",
      "base-uri 'none'",
      "form-action 'self'",
      `frame-ancestors ${script.frameAncestors ?? stub.shop}`,
    ]
    send(response, 200, html, {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy.join("; "),
    })
  }

  /** `/?keys=pk_a,pk_b` pastes one line for each key. */
  function answerShop(request: IncomingMessage, response: ServerResponse) {
    const url = new URL(request.url ?? "/", stub.shop)
    if (url.pathname === "/favicon.ico") return response.writeHead(204).end()
    const keys = (url.searchParams.get("keys") ?? "pk_one").split(",")
    const lines = keys.map(
      (key) => `<script async src="${stub.origin}/embed.js" data-key="${key}"></script>`,
    )
    const html = `<!doctype html><html lang="en"><head>
<meta name="viewport" content="width=device-width,initial-scale=1"><title>Corner Shop</title>
${script.pageHead}</head><body><main><h1>Corner Shop</h1><button id="own">Own button</button></main>
${script.pageBody}${lines.join("\n")}</body></html>`
    send(response, 200, html, {
      "content-type": "text/html; charset=utf-8",
      ...(script.pagePolicy && { "content-security-policy": script.pagePolicy }),
    })
  }

  const counter = createServer((request, response) => {
    answerCounter(request, response).catch(() => response.destroy())
  })
  const shop = createServer(answerShop)
  const stub: Stub = {
    origin: `http://127.0.0.1:${await listenOnLoopback(counter)}`,
    shop: `http://shop.localhost:${await listenOnLoopback(shop)}`,
    get script() {
      return script
    },
    calls,
    revokeTokens: () => tokens.clear(),
    reset() {
      script = defaults()
      calls.length = 0
      tokens.clear()
    },
    async stop() {
      for (const server of [counter, shop]) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    },
  }
  return stub
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = ""
  for await (const piece of request) text += piece
  return text
}

function send(
  response: ServerResponse,
  status: number,
  body: string | Uint8Array,
  headers: Record<string, string>,
) {
  response.writeHead(status, { "cache-control": "no-store", ...headers }).end(body)
}

const sendJson = (
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
) =>
  send(response, status, JSON.stringify(body), { "content-type": "application/json", ...headers })
