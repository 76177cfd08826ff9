import type { IncomingMessage, ServerResponse } from "node:http"

// What only the owner of the socket can bound: how much a request says before its body, and how long either
// side may take.

/** Far more than any browser and any proxy sends. */
const mostHeaders = 100

/** A body has half a minute to arrive; a file on a slow line the server's own `requestTimeout`. */
const bodyMs = 25_000

/** The longest answer, a turn with tools, and then some: whoever reads slower than that is cut off. */
const answerMs = 240_000

export function hasTooManyHeaders(request: IncomingMessage): boolean {
  return request.rawHeaders.length > 2 * mostHeaders
}

export function boundBody(request: IncomingMessage, path: string): void {
  if (path.endsWith("/sources") || request.complete) return
  const timer = setTimeout(() => request.complete || request.destroy(), bodyMs)
  request.once("close", () => clearTimeout(timer))
}

/** Ends an answer that nobody takes: what waits to be sent is let go with its connection. */
export function boundAnswer(response: ServerResponse, mostMs = answerMs): void {
  const timer = setTimeout(() => response.destroy(), mostMs)
  response.once("close", () => clearTimeout(timer))
}
