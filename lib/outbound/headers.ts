import { validateHeaderName, validateHeaderValue } from "node:http"

/** Who we are to every server we read. */
export const userAgent = "Coatcheck/1.0 (+https://coatcheck.dev/bot)"

/** Ours to set, a proxy's, or a way to speak for somebody else. */
const reserved = new Set([
  "accept-encoding",
  "connection",
  "content-length",
  "cookie",
  "cookie2",
  "date",
  "expect",
  "forwarded",
  "host",
  "http2-settings",
  "keep-alive",
  "origin",
  "proxy-authorization",
  "proxy-connection",
  "referer",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "user-agent",
  "via",
  "x-real-ip",
])

/** Whether a tenant may name this header for a request of theirs: no line breaks, nothing reserved. */
export function isAllowedHeader(name: string, value: string): boolean {
  const lower = name.toLowerCase()
  if (reserved.has(lower) || /^(?:sec-|proxy-|x-forwarded-)/.test(lower)) return false
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    return true
  } catch {
    return false
  }
}
