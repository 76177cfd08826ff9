import { requireBot } from "#lib/bots/queries.ts"
import { fail } from "#lib/errors.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope, VisitorScope } from "#lib/tenancy/scope.ts"
import { createToolInput, type ToolParameters, type ToolView, toolParameters } from "./schema.ts"

export type ToolRow = NonNullable<Awaited<ReturnType<Tx["tool"]["findFirst"]>>>

export function toToolView(row: ToolRow): ToolView {
  return {
    id: row.id,
    botId: row.botId,
    name: row.name,
    description: row.description,
    kind: "http",
    isWrite: row.isWrite,
    isEnabled: row.isEnabled,
    method: createToolInput.shape.method.parse(row.method),
    url: row.url,
    parameters: toolParameters.parse(row.parameters),
    headerNames: Array.isArray(row.headerNames) ? row.headerNames.map(String) : [],
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}

/** The tool's row inside a transaction; throws `not_found`. */
export async function requireTool(tx: Tx, toolId: string): Promise<ToolRow> {
  const row = await tx.tool.findFirst({ where: { id: toolId } })
  if (!row) throw fail("not_found")
  return row
}

/** All tools of a bot, by name: there are few. */
export async function listTools(scope: TenantScope, botId: string): Promise<ToolView[]> {
  allow(scope, "bots.read")
  return withTenant(scope, async (tx) => {
    await requireBot(tx, botId)
    const rows = await tx.tool.findMany({ where: { botId }, orderBy: { name: "asc" } })
    return rows.map(toToolView)
  })
}

export async function getTool(scope: TenantScope, toolId: string): Promise<ToolView> {
  allow(scope, "bots.read")
  return withTenant(scope, async (tx) => toToolView(await requireTool(tx, toolId)))
}

/** A tool as one turn may use it. */
export type OfferedTool = {
  id: string
  name: string
  description: string
  isWrite: boolean
  parameters: ToolParameters
}

const toOffered = ({ id, name, description, isWrite, parameters }: ToolView): OfferedTool => ({
  id,
  name,
  description,
  isWrite,
  parameters,
})

/** What the visitor's bot may use on the visitor's key: read-only tools, and those the owner allowed there. */
export async function listOfferedTools(scope: VisitorScope): Promise<OfferedTool[]> {
  const { botId, keyId } = scope.visitor
  return withTenant(scope, async (tx) => {
    const rows = await tx.tool.findMany({
      where: { botId, kind: "http", isEnabled: true },
      orderBy: { name: "asc" },
    })
    if (!rows.some((row) => row.isWrite)) return rows.map(toToolView).map(toOffered)
    const allowed = await tx.embedKeyTool.findMany({ where: { keyId, botId } })
    const toolIds = new Set(allowed.map((row) => row.toolId))
    return rows
      .filter((row) => !row.isWrite || toolIds.has(row.id))
      .map(toToolView)
      .map(toOffered)
  })
}

/** The same for all bots of one key, a list for each, for the figure of the worst day. */
export async function listToolsOfKey(tx: Tx, keyId: string): Promise<OfferedTool[][]> {
  const links = await tx.embedKeyBot.findMany({ where: { keyId } })
  const rows = await tx.tool.findMany({
    where: { botId: { in: links.map((link) => link.botId) }, kind: "http", isEnabled: true },
  })
  const allowed = new Set(
    (await tx.embedKeyTool.findMany({ where: { keyId } })).map((row) => row.toolId),
  )
  const offered = rows.filter((row) => !row.isWrite || allowed.has(row.id)).map(toToolView)
  return [...Map.groupBy(offered, (tool) => tool.botId).values()].map((each) => each.map(toOffered))
}
