import { record } from "#lib/audit/record.ts"
import { requireBot } from "#lib/bots/queries.ts"
import { newId } from "#lib/ids.ts"
import { vetOutbound } from "#lib/outbound/fetch.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { requireTool, toToolView } from "./queries.ts"
import { findTemplateFault, withSampleValues } from "./request.ts"
import {
  type CreateToolInput,
  createToolInput,
  maxToolsPerBot,
  type ToolParameters,
  type ToolView,
  type UpdateToolInput,
  updateToolInput,
} from "./schema.ts"
import { checkHeaders, checkMove, refuse, sealHeaders, toolSecretPlace } from "./sealed-headers.ts"

/** Adds a tool. One that is not said to be read-only writes, unless it is a GET. */
export async function createTool(
  scope: TenantScope,
  botId: string,
  given: CreateToolInput,
): Promise<ToolView> {
  allow(scope, "bots.write")
  const { headers, isWrite, ...input } = createToolInput.parse(given)
  await checkAddress(input.url, input.parameters)
  checkHeaders(headers)
  const id = newId("tool")
  return withTenant(scope, async (tx) => {
    await requireBot(tx, botId)
    await checkRoom(tx, botId, input.name)
    const row = await tx.tool.create({
      data: {
        ...input,
        ...sealHeaders(scope, toolSecretPlace(id), headers),
        id,
        tenantId: scope.tenantId,
        botId,
        isWrite: isWrite ?? input.method !== "GET",
      },
    })
    const view = toToolView(row)
    await record(tx, scope, { action: "tool.created", target: id, after: toFacts(view) })
    return view
  })
}

/**
 * Changes what `input` names and nothing else. Calls that wait for a yes are void from then on. A new host
 * needs its headers again: what was trusted to one host is not sent to another.
 */
export async function updateTool(
  scope: TenantScope,
  toolId: string,
  given: UpdateToolInput,
): Promise<ToolView> {
  allow(scope, "bots.write")
  const { headers, ...input } = updateToolInput.parse(given)
  const current = await withTenant(scope, async (tx) => toToolView(await requireTool(tx, toolId)))
  if (current.kind === "mcp") checkRemoteChange({ ...input, headers })
  const url = input.url ?? current.url
  if (url && (input.url ?? input.parameters))
    await checkAddress(url, input.parameters ?? current.parameters)
  if (headers) checkHeaders(headers)
  return withTenant(scope, async (tx) => {
    // Held: headers that come in meanwhile must not move to an address that somebody else is setting.
    await tx.$queryRaw`select id from public.tools where id = ${toolId} for update`
    const row = await requireTool(tx, toolId)
    const before = toToolView(row)
    if (!headers && url && before.url) checkMove(before.url, url, before.headerNames)
    if (input.name && input.name !== before.name) await checkRoom(tx, row.botId, input.name, 0)
    const changes = Object.fromEntries(
      Object.entries(input).filter(([, value]) => value !== undefined),
    )
    const updated = await tx.tool.update({
      where: { id: toolId },
      data: {
        ...changes,
        ...(headers ? sealHeaders(scope, toolSecretPlace(toolId), headers) : {}),
        version: row.version + 1,
      },
    })
    const view = toToolView(updated)
    await record(tx, scope, {
      action: "tool.changed",
      target: toolId,
      before: toFacts(before),
      after: toFacts(view),
    })
    return view
  })
}

/** Deletes a tool; keys lose it, and calls that wait are gone. */
export async function deleteTool(scope: TenantScope, toolId: string): Promise<void> {
  allow(scope, "bots.write")
  await withTenant(scope, async (tx) => {
    const row = await requireTool(tx, toolId)
    await tx.tool.delete({ where: { id: toolId } })
    await record(tx, scope, {
      action: "tool.deleted",
      target: toolId,
      before: toFacts(toToolView(row)),
    })
  })
}

/** What a server says of its tool is not the owner's to write. */
function checkRemoteChange(input: object) {
  const own = ["name", "isWrite", "isEnabled"]
  const foreign = Object.entries(input).find(
    ([key, value]) => value !== undefined && !own.includes(key),
  )
  if (foreign) throw refuse(foreign[0], "This comes from the MCP server.")
}

async function checkAddress(url: string, parameters: ToolParameters) {
  const unknown = parameters.required.find((name) => !parameters.properties[name])
  if (unknown !== undefined) throw refuse("parameters", `There is no value named ${unknown}.`)
  const fault = findTemplateFault(url, parameters)
  if (fault) throw refuse("url", fault)
  // Values cannot reach the host, so any will do.
  await vetOutbound(withSampleValues(url))
}

/** Throws `invalid` when the bot has as many tools as it may, or one of this name. */
export async function checkRoom(tx: Tx, botId: string, name: string, more = 1) {
  const all = await tx.tool.findMany({ where: { botId } })
  if (all.some((tool) => tool.name === name))
    throw refuse("name", "Another tool of this bot has this name.")
  if (all.length + more > maxToolsPerBot)
    throw refuse("name", `A bot has at most ${maxToolsPerBot} tools.`)
}

/** For the audit log: what it may do and where, never a header's value. */
export function toFacts(tool: ToolView) {
  const { name, isWrite, isEnabled, method, url, headerNames, remoteName } = tool
  return { name, isWrite, isEnabled, method, url, headerNames, remoteName }
}
