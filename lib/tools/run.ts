import { Failure } from "#lib/errors.ts"
import { log } from "#lib/log.ts"
import { fetchOutbound } from "#lib/outbound/fetch.ts"
import { withTenant } from "#lib/tenancy/database.ts"
import { decryptSecret } from "#lib/tenancy/encryption.ts"
import type { VisitorScope } from "#lib/tenancy/scope.ts"
import { secretPlace } from "./commands.ts"
import { toToolView } from "./queries.ts"
import { buildRequest, type ToolArguments } from "./request.ts"

export const maxResultBytes = 8_000
const timeoutMs = 10_000
const readBytes = 64 * 1024

export type ToolResult = { isOk: boolean; text: string }

/**
 * Calls the visitor's own bot's tool. Never throws for what the other side does: a refusal, a time-out and
 * an error are results as well. The text is what that server said: data of a stranger.
 */
export async function runTool(
  scope: VisitorScope,
  call: { toolId: string; version?: number; arguments: ToolArguments },
  signal: AbortSignal,
): Promise<ToolResult> {
  const row = await withTenant(scope, (tx) =>
    tx.tool.findFirst({
      where: { id: call.toolId, botId: scope.visitor.botId, kind: "http", isEnabled: true },
    }),
  )
  if (!row || (call.version !== undefined && row.version !== call.version))
    return { isOk: false, text: "This tool is not available any more." }
  const tool = toToolView(row)
  const request = buildRequest(tool, call.arguments)
  if (!request) return { isOk: false, text: "These values do not fit." }
  const headers = row.secret
    ? (JSON.parse(decryptSecret(scope, secretPlace(row.id), row.secret)) as Record<string, string>)
    : {}
  const startedAt = performance.now()
  let outcome = "failed"
  try {
    const response = await fetchOutbound(request.url, {
      method: tool.method,
      headers: {
        ...(request.body === undefined ? {} : { "content-type": "application/json" }),
        accept: "application/json, text/plain;q=0.9, */*;q=0.1",
        ...headers,
      },
      ...(request.body === undefined ? {} : { body: request.body }),
      maxRedirects: 0,
      maxBytes: readBytes,
      cutsAtLimit: true,
      timeoutMs,
      signal,
    })
    outcome = String(response.status)
    const isOk = response.status >= 200 && response.status < 300
    return { isOk, text: clean(response.body, response.status, Object.values(headers)) }
  } catch (error) {
    if (signal.aborted) throw error
    outcome = error instanceof Failure ? error.code : "failed"
    return { isOk: false, text: `The tool did not answer (${outcome}).` }
  } finally {
    // Neither the address nor a value: both may hold what is a visitor's or a secret.
    const durationMs = Math.round(performance.now() - startedAt)
    log.info({ code: "tool_called", toolId: row.id, outcome, durationMs }, "tool called")
  }
}

/** Text without what people cannot see, without our own headers should that server repeat them, and short. */
function clean(body: Uint8Array, status: number, secrets: string[]): string {
  let text = Buffer.from(body)
    .toString("utf8")
    .toWellFormed()
    .replace(/[^\P{Cc}\n\t]/gu, " ")
    .replace(/[\p{Cf}\p{VS}\p{Zl}\p{Zp}]/gu, "")
  for (const secret of secrets) {
    for (const part of [secret, ...secret.split(/\s+/)])
      if (part.length >= 6) text = text.replaceAll(part, "[removed]")
  }
  const note = `HTTP ${status}\n`
  return note + cutBytes(text.trim(), maxResultBytes - note.length)
}

function cutBytes(text: string, most: number): string {
  const bytes = Buffer.from(text, "utf8")
  if (bytes.byteLength <= most) return text
  const mark = " […]"
  const kept = bytes.subarray(0, most - Buffer.byteLength(mark)).toString("utf8")
  return kept.replace(/\ufffd+$/, "") + mark
}
