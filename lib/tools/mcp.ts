import { createMCPClient, type MCPClient, MCPClientError } from "@ai-sdk/mcp"
import { Failure, fail } from "#lib/errors.ts"
import { fetchOutbound } from "#lib/outbound/fetch.ts"
import { type Definition, readDefinition } from "./definitions.ts"
import type { RemoteTool } from "./schema.ts"

// An MCP server over streamable HTTP, through the one way out: pinned, vetted, no redirect, bounded in bytes,
// time and requests. It can answer and nothing else: no stream of its own, no sampling, no question back.

export type McpServer = { url: string; headers: Record<string, string> }

const timeoutMs = 10_000
const answerBytes = 512 * 1024
const maxTools = 100
/** Discovery, a handshake, five pages of tools and a call are fewer. */
const maxRequests = 12

/** What the server says of its tools, at most 100 of them. Throws what `fetchOutbound` throws, and `invalid`. */
export async function readRemoteTools(
  server: McpServer,
  outer?: AbortSignal,
): Promise<RemoteTool[]> {
  return withServer(server, outer, (client, signal) => listTools(client, signal))
}

export type RemoteAnswer =
  | { kind: "answer"; isOk: boolean; text: string }
  /** The server describes the tool otherwise than the owner allowed it: nothing was called. */
  | { kind: "changed"; catalog: RemoteTool[] }

/**
 * Calls one tool after asking the server once more what that tool is, on the same connection. Throws like
 * `readRemoteTools`.
 */
export async function callRemoteTool(
  server: McpServer,
  call: { name: string; definitionHash: string; arguments: Record<string, unknown> },
  outer?: AbortSignal,
): Promise<RemoteAnswer> {
  return withServer(server, outer, async (client, signal) => {
    const catalog = await listTools(client, signal)
    const isSame = catalog.some(
      (each) => each.name === call.name && each.definitionHash === call.definitionHash,
    )
    if (!isSame) return { kind: "changed", catalog }
    const { name, arguments: given } = call
    const result = await client.callTool({ name, arguments: given, options: { signal } })
    return { kind: "answer", isOk: result.isError !== true, text: toText(result) }
  })
}

async function withServer<T>(
  server: McpServer,
  outer: AbortSignal | undefined,
  work: (client: MCPClient, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const clock = AbortSignal.timeout(timeoutMs)
  const end = new AbortController()
  const signal = AbortSignal.any([clock, end.signal, ...(outer ? [outer] : [])])
  const way = wayOut(server, signal, () => end.abort())
  try {
    const client = await createMCPClient({
      // The headers are put on last, by the way out: the client never holds them.
      transport: { type: "http", url: server.url, redirect: "error", fetch: way.fetch },
      clientName: "coatcheck",
      initializationOptions: { signal },
      // What happens beside the requests we wait for is no answer to anything.
      onUncaughtError: () => {},
    })
    try {
      return await work(client, signal)
    } finally {
      void client.close().catch(() => {})
    }
  } catch (error) {
    if (outer?.aborted) throw error
    if (clock.aborted) throw fail("remote_timeout")
    throw way.failure() ?? toFailure(error)
  }
}

/** The client's errors quote what a server said: none of it goes further than a JSON-RPC refusal's text. */
function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  const isRefusal = MCPClientError.isInstance(error) && error.code !== undefined
  return fail("invalid", {
    detail: isRefusal
      ? `The server refused: ${error.message.slice(0, 300)}`
      : "The server did not answer as an MCP server does.",
    internal: "mcp_failed",
  })
}

/** `onFailure` ends what would otherwise wait for an answer that cannot come. */
function wayOut({ url, headers }: McpServer, signal: AbortSignal, onFailure: () => void) {
  let requests = 0
  let failure: Failure | null = null
  const goOut = async (init: RequestInit): Promise<Response> => {
    requests += 1
    if (requests > maxRequests) throw fail("remote_too_large")
    const own = new Headers(init.headers)
    own.delete("user-agent")
    const response = await fetchOutbound(url, {
      method: init.method === "DELETE" ? "DELETE" : "POST",
      headers: { ...Object.fromEntries(own), ...headers },
      ...(typeof init.body === "string" ? { body: init.body } : {}),
      maxRedirects: 0,
      maxBytes: answerBytes,
      timeoutMs,
      signal,
    })
    const isBare = response.body.byteLength === 0 || [204, 205, 304].includes(response.status)
    const body = isBare ? null : new Uint8Array(response.body)
    return new Response(body, { status: response.status, headers: response.headers })
  }
  return {
    /** Why the way out failed, whatever the client made of it. */
    failure: () => failure,
    fetch: async (_: unknown, init: RequestInit = {}): Promise<Response> => {
      // The stream on which a server speaks unasked: answered as by a server that has none.
      if (init.method === "GET") return new Response(null, { status: 405 })
      try {
        return await goOut(init)
      } catch (error) {
        if (error instanceof Failure) failure ??= error
        onFailure()
        throw error
      }
    },
  }
}

async function listTools(client: MCPClient, signal: AbortSignal): Promise<RemoteTool[]> {
  const found = new Map<string, Definition>()
  let cursor: string | undefined
  for (let page = 0; page < 5; page += 1) {
    const { tools, nextCursor } = await client.listTools({
      ...(cursor ? { params: { cursor } } : {}),
      options: { signal },
    })
    for (const tool of tools as Definition[])
      if (tool.name.length <= 200 && found.size < maxTools && !found.has(tool.name))
        found.set(tool.name, tool)
    if (!nextCursor || found.size >= maxTools) break
    cursor = nextCursor
  }
  return [...found.values()].map(readDefinition)
}

/** The texts of an answer; what is no text is named, and structure stands in when there is nothing else. */
function toText(result: Awaited<ReturnType<MCPClient["callTool"]>>): string {
  const content = Array.isArray(result.content) ? (result.content as Record<string, unknown>[]) : []
  const parts = content.map((part) =>
    part.type === "text" && typeof part.text === "string" ? part.text : `[${String(part.type)}]`,
  )
  if (parts.length > 0) return parts.join("\n")
  return JSON.stringify(result.structuredContent ?? result.toolResult ?? {}) ?? ""
}
