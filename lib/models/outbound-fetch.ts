import { streamOutbound } from "#lib/outbound/fetch.ts"

/** As long as an answer may take, and far more bytes than one has. */
const timeoutMs = 90_000
const maxBytes = 4 * 1024 * 1024

/**
 * `fetch` as the AI SDK calls it, for a tenant's own provider: through the one way out, pinned and bounded,
 * never redirected.
 */
export const fetchModel: typeof fetch = async (input, init = {}) => {
  const headers = Object.fromEntries(new Headers(init.headers))
  // Ours is set by lib/outbound, which refuses another.
  delete headers["user-agent"]
  const {
    status,
    headers: answered,
    body,
  } = await streamOutbound(String(input), {
    method: init.method === "GET" ? "GET" : "POST",
    headers,
    ...(typeof init.body === "string" ? { body: init.body } : {}),
    ...(init.signal ? { signal: init.signal } : {}),
    timeoutMs,
    maxBytes,
  })
  // The body is inflated already.
  for (const name of ["content-encoding", "content-length"]) answered.delete(name)
  return new Response([204, 205, 304].includes(status) ? null : body, { status, headers: answered })
}
