import { record } from "#lib/audit/record.ts"
import { Failure } from "#lib/errors.ts"
import { log } from "#lib/log.ts"
import { fetchOutbound } from "#lib/outbound/fetch.ts"
import { withTenant } from "#lib/tenancy/database.ts"
import { scopeForJob, type TenantScope } from "#lib/tenancy/scope.ts"
import { callRemoteTool } from "./mcp.ts"
import { type ServerRow, type ToolRow, toToolView } from "./queries.ts"
import { buildRequest, type ToolArguments } from "./request.ts"
import type { RemoteTool } from "./schema.ts"
import { openHeaders, serverSecretPlace, toolSecretPlace } from "./sealed-headers.ts"
import { shorten, withoutSecrets } from "./text.ts"

export const maxResultBytes = 8_000
const timeoutMs = 10_000
const readBytes = 64 * 1024

export type ToolResult = { isOk: boolean; text: string }

type Call = { toolId: string; version?: number; arguments: ToolArguments }

const gone: ToolResult = { isOk: false, text: "This tool is not available any more." }

/**
 * Calls a tool of the bot. Never throws for what the other side does: a refusal, a time-out and an error are
 * results as well. The text is what that server said: data of a stranger.
 */
export async function runTool(
  scope: TenantScope,
  botId: string,
  call: Call,
  signal: AbortSignal,
): Promise<ToolResult> {
  const found = await withTenant(scope, async (tx) => {
    const row = await tx.tool.findFirst({ where: { id: call.toolId, botId, isEnabled: true } })
    const serverId = row?.serverId
    const server = serverId
      ? await tx.mcpServer.findFirst({ where: { id: serverId, botId } })
      : null
    return row && { row, server }
  })
  if (!found || (call.version !== undefined && found.row.version !== call.version)) return gone
  const { row, server } = found
  const startedAt = performance.now()
  let outcome = "failed"
  try {
    const ran = server
      ? await runRemote(scope, row, server, call.arguments, signal)
      : await runHttp(scope, row, call.arguments, signal)
    outcome = ran.outcome
    return ran.result
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

type Ran = { outcome: string; result: ToolResult }

async function runHttp(
  scope: TenantScope,
  row: ToolRow,
  given: ToolArguments,
  signal: AbortSignal,
): Promise<Ran> {
  const { method, url } = toToolView(row)
  const request = method && url ? buildRequest({ method, url }, given) : null
  if (!method || !request)
    return { outcome: "unfit", result: { isOk: false, text: "These values do not fit." } }
  const headers = openHeaders(scope, toolSecretPlace(row.id), row.secret)
  const { status, body } = await fetchOutbound(request.url, {
    method,
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
  const text = Buffer.from(body).toString("utf8")
  return {
    outcome: String(status),
    result: { isOk: status >= 200 && status < 300, text: clean(text, headers, `HTTP ${status}\n`) },
  }
}

async function runRemote(
  scope: TenantScope,
  row: ToolRow,
  server: ServerRow,
  given: ToolArguments,
  signal: AbortSignal,
): Promise<Ran> {
  const { remoteName, definitionHash } = row
  if (!remoteName || !definitionHash) return { outcome: "unfit", result: gone }
  const headers = openHeaders(scope, serverSecretPlace(server.id), server.secret)
  try {
    const answer = await callRemoteTool(
      { url: server.url, headers },
      { name: remoteName, definitionHash, arguments: given },
      signal,
    )
    if (answer.kind === "changed") {
      await noteChange(scope, row, server, answer.catalog)
      return { outcome: "changed", result: gone }
    }
    const result = { isOk: answer.isOk, text: clean(answer.text, headers) }
    return { outcome: answer.isOk ? "answered" : "refused", result }
  } catch (error) {
    // What the server said in refusing is an answer as well.
    if (!(error instanceof Failure) || error.code !== "invalid") throw error
    return { outcome: "refused", result: { isOk: false, text: clean(error.detail, headers) } }
  }
}

/** From now on the tool is not offered. What a server says of itself is no visitor's doing: a job writes it. */
async function noteChange(
  scope: TenantScope,
  tool: ToolRow,
  server: ServerRow,
  catalog: RemoteTool[],
): Promise<void> {
  const job = scopeForJob(scope.tenantId, "tools")
  await withTenant(job, async (tx) => {
    // Unless the owner gave the server another address meanwhile.
    const { count } = await tx.mcpServer.updateMany({
      where: { id: server.id, url: server.url },
      data: { catalog, readAt: new Date() },
    })
    if (count === 0) return
    await record(tx, job, {
      action: "tool.changedByServer",
      target: tool.id,
      after: { name: tool.name },
    })
  })
}

/** Short, readable, and without our own headers. */
function clean(text: string, headers: Record<string, string>, note = ""): string {
  const kept = withoutSecrets(text, Object.values(headers)).trim()
  return note + shorten(kept, maxResultBytes - note.length)
}
