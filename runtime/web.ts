import { randomBytes } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { parseArgs } from "node:util"
import next from "next"
import { countOpenStreams, endOpenStreams } from "#lib/admission/open-streams.ts"
import { pathHeader } from "#lib/auth/return-path.ts"
import { env, isProduction } from "#lib/env.ts"
import { clientHeader, resolveClient } from "#lib/limits/client-ip.ts"
import { freeGoneStreams } from "#lib/limits/streams.ts"
import { log } from "#lib/log.ts"
import { readActionRequest } from "./action-body.ts"
import { boundAnswer, boundBody, hasTooManyHeaders } from "./bounds.ts"

// The web process: Next behind a plain server that does what only the socket's owner can. It writes the
// client's address where the client cannot, keeps the console off the widget's origin, gives each page a
// script nonce, and bounds slow and oversized requests.

const { values: options } = parseArgs({ options: { dev: { type: "boolean", default: false } } })
// It would show its code and its errors to everyone.
if (options.dev && isProduction)
  throw new Error("The development server does not run in production.")
const app = next({ dev: options.dev, port: env.PORT, ...(env.HOST ? { hostname: env.HOST } : {}) })
await app.prepare()
const handle = app.getRequestHandler()
const upgrade = app.getUpgradeHandler()

const widgetHost = new URL(env.WIDGET_URL).host
const hasTwoOrigins = env.WIDGET_URL !== env.APP_URL
const isHttps = env.APP_URL.startsWith("https://")
/** Answered by route handlers, each of which says itself what may be sent; all else is pages and files. */
const routePaths = /^\/(api|v1|admin)\/|^\/(embed|health|ready|metrics)$/
/** What other websites' pages load. */
const embeddablePaths = /^\/(embed(\.js)?$|widget\/|api\/embed\/)/
/** What a visitor's browser may fetch from the widget's origin; servers may use either. */
const widgetPaths = /^\/(embed(\.js)?$|widget\/|api\/embed\/|v1\/|admin\/|health$|ready$|metrics$)/

/** Requests that are being answered. */
let running = 0
let isStopping = false

const server = createServer(
  {
    maxHeaderSize: 16 * 1024,
    headersTimeout: 15_000,
    requestTimeout: 120_000,
    keepAliveTimeout: 65_000,
    connectionsCheckingInterval: 5_000,
  },
  (request, response) => {
    running += 1
    response.once("close", () => {
      running -= 1
    })
    serve(request, response).catch((error: unknown) => {
      log.error({ err: error }, "a request could not be handled")
      if (!response.headersSent) response.writeHead(500).end()
    })
  },
)

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = readPath(request)
  boundBody(request, path ?? "/")
  boundAnswer(response)
  prepare(request, response, path ?? "/")
  if (isStopping) return refuse(request, response, 503, { connection: "close", "retry-after": "2" })
  if (path === null) return refuse(request, response, 400)
  if (hasTooManyHeaders(request)) return refuse(request, response, 431)
  if (request.method === "TRACE") return refuse(request, response, 405)
  // Next serves its page for broken pages as any other, with a 500.
  if (path.startsWith("/_global-error")) return refuse(request, response, 404)
  const isAction = request.headers["next-action"] !== undefined
  // From another page's form: Next would answer 500 to some of these.
  if (isAction && request.headers.origin !== env.APP_URL) return refuse(request, response, 403)
  if (redirectConsole(request, response, path)) return
  if (routePaths.test(path) || request.method === "GET" || request.method === "HEAD")
    return handle(request, response)
  // A page is read, and only an action is sent to it: no form of a page's without script, no other method.
  if (!isAction || request.method !== "POST") return refuse(request, response, 405)
  const action = await readActionRequest(request)
  if (typeof action === "number") return refuse(request, response, action)
  return handle(action, response)
}

/** The rest of a body is let pass unread, so that whoever still sends it gets to see the answer. */
function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
) {
  log.info({ method: request.method, path: request.url?.split("?")[0], status }, "request refused")
  const empty = { "content-length": 0, "cache-control": "no-store" }
  response.writeHead(status, { ...empty, ...headers }).end()
  request.resume()
}

function prepare(request: IncomingMessage, response: ServerResponse, path: string) {
  const { headers, socket } = request
  headers[clientHeader] = resolveClient(
    socket.remoteAddress,
    headers["x-forwarded-for"],
    env.TRUSTED_PROXY_COUNT,
  )
  headers[pathHeader] = request.url ?? "/"
  // Our origins come from the configuration, never from what a client or a cache says of the host.
  delete headers["x-forwarded-host"]
  delete headers["x-middleware-subrequest"]
  const nonce = randomBytes(16).toString("base64")
  const policy = consolePolicy(nonce)
  // Next reads the nonce for its own scripts from the request's policy.
  headers["content-security-policy"] = policy
  response.setHeader("x-content-type-options", "nosniff")
  response.setHeader("permissions-policy", "camera=(), geolocation=(), microphone=()")
  response.setHeader("cross-origin-opener-policy", "same-origin")
  if (isHttps)
    response.setHeader("strict-transport-security", "max-age=63072000; includeSubDomains")
  if (embeddablePaths.test(path)) {
    response.setHeader("cross-origin-resource-policy", "cross-origin")
    response.setHeader("referrer-policy", "no-referrer")
    // The frame's own policy, with its frame-ancestors, is the answer of app/embed/route.ts alone: a
    // second one here would be enforced beside it.
    if (path !== "/embed")
      response.setHeader("content-security-policy", "default-src 'none'; frame-ancestors 'none'")
    return
  }
  response.setHeader("cross-origin-resource-policy", "same-origin")
  response.setHeader("referrer-policy", "strict-origin-when-cross-origin")
  response.setHeader("content-security-policy", policy)
  response.setHeader("x-frame-options", "DENY")
}

/**
 * The path as it will be routed, `..` resolved; null when it cannot be decoded, and for an address that
 * names a host (`http://…`, `//…`): whoever builds a URL from it would take that host for ours.
 */
function readPath({ url = "/" }: IncomingMessage): string | null {
  if (!/^\/(?![/\\])/.test(url)) return null
  try {
    const { pathname } = new URL(url, env.APP_URL)
    decodeURIComponent(pathname)
    return pathname
  } catch {
    return null
  }
}

function consolePolicy(nonce: string): string {
  // React's development build evaluates code; no production build does.
  const evaluate = options.dev ? " 'unsafe-eval'" : ""
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' ${env.WIDGET_URL}${evaluate}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self' ${env.WIDGET_URL}${options.dev ? " ws:" : ""}`,
    `frame-src ${env.WIDGET_URL}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ")
}

/** No console page, and so no console cookie, on the origin that other websites embed. */
function redirectConsole(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): boolean {
  if (!hasTwoOrigins || request.headers.host !== widgetHost) return false
  const isAsset = path.startsWith("/_next/")
  if (widgetPaths.test(path) || (options.dev && isAsset)) return false
  if (request.method !== "GET") {
    response.writeHead(404).end()
    return true
  }
  response
    .writeHead(307, {
      location: `${env.APP_URL}${request.url ?? "/"}`,
      "cache-control": "no-store",
    })
    .end()
  return true
}

server.on("upgrade", (request, socket, head) => {
  // Nothing here speaks WebSocket but the development server's own reload.
  if (options.dev) void upgrade(request, socket, head)
  else socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n")
})

server.listen({ port: env.PORT, ...(env.HOST ? { host: env.HOST } : {}) })

// What a process before this one left open when it was killed.
freeGoneStreams().catch((error: Error) =>
  log.warn({ reason: error.message }, "old streams end by time"),
)

/** How long open answers may go on by themselves, and how long ended ones may take to be stored. */
const answersMs = 20_000
const storingMs = 4_000

/** Refuses what is new, lets open answers end, and goes; the supervisor kills a little later. */
function stop() {
  if (isStopping) return
  isStopping = true
  server.closeIdleConnections()
  setInterval(() => {
    if (running === 0 && countOpenStreams() === 0) process.exit(0)
  }, 50)
  setTimeout(endOpenStreams, answersMs)
  // A client that never reads must not keep the process.
  setTimeout(() => process.exit(0), answersMs + storingMs)
}
process.on("SIGTERM", stop)
process.on("SIGINT", stop)
