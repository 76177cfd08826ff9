import { requireBot } from "#lib/bots/queries.ts"
import { fail } from "#lib/errors.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope, VisitorScope } from "#lib/tenancy/scope.ts"
import {
  type RemoteTool,
  remoteTool,
  type ServerView,
  type ToolParameters,
  type ToolView,
  toolParameters,
  toolView,
} from "./schema.ts"

export type ToolRow = NonNullable<Awaited<ReturnType<Tx["tool"]["findFirst"]>>>
export type ServerRow = NonNullable<Awaited<ReturnType<Tx["mcpServer"]["findFirst"]>>>

const toNames = (stored: unknown) => (Array.isArray(stored) ? stored.map(String) : [])

export function toToolView(row: ToolRow): ToolView {
  return {
    id: row.id,
    botId: row.botId,
    name: row.name,
    description: row.description,
    kind: toolView.shape.kind.parse(row.kind),
    isWrite: row.isWrite,
    isEnabled: row.isEnabled,
    method: toolView.shape.method.parse(row.method),
    url: row.url,
    parameters: toolParameters.parse(row.parameters),
    headerNames: toNames(row.headerNames),
    serverId: row.serverId,
    remoteName: row.remoteName,
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
    const rows = await listCurrentTools(tx, [botId])
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
  const botIds = links.map((link) => link.botId)
  const rows = await listCurrentTools(tx, botIds)
  const allowed = new Set(
    (await tx.embedKeyTool.findMany({ where: { keyId } })).map((row) => row.toolId),
  )
  const offered = rows.filter((row) => !row.isWrite || allowed.has(row.id)).map(toToolView)
  return [...Map.groupBy(offered, (tool) => tool.botId).values()].map((each) => each.map(toOffered))
}

/** Tools that are on, without those whose server describes them otherwise than the owner allowed. */
async function listCurrentTools(tx: Tx, botIds: string[]): Promise<ToolRow[]> {
  const where = { botId: { in: botIds } }
  const rows = await tx.tool.findMany({
    where: { ...where, isEnabled: true },
    orderBy: { name: "asc" },
  })
  if (!rows.some((row) => row.serverId)) return rows
  const servers = await tx.mcpServer.findMany({ where })
  return rows.filter((row) => {
    if (!row.serverId) return true
    const server = servers.find((each) => each.id === row.serverId)
    return server !== undefined && isCurrent(row, readCatalog(server))
  })
}

/** Whether the server still describes this tool as the owner allowed it. */
export function isCurrent(row: ToolRow, catalog: RemoteTool[]): boolean {
  return catalog.some(
    (each) => each.name === row.remoteName && each.definitionHash === row.definitionHash,
  )
}

export function readCatalog(row: ServerRow): RemoteTool[] {
  return remoteTool.array().parse(row.catalog)
}

/** The server's row inside a transaction; throws `not_found`. */
export async function requireServer(tx: Tx, serverId: string): Promise<ServerRow> {
  const row = await tx.mcpServer.findFirst({ where: { id: serverId } })
  if (!row) throw fail("not_found")
  return row
}

/** A server with what it offers now, and what became of the tools that were allowed. */
export async function toServerView(tx: Tx, row: ServerRow): Promise<ServerView> {
  const allowed = await tx.tool.findMany({ where: { serverId: row.id } })
  const catalog = readCatalog(row)
  const gone = allowed.filter((tool) => !catalog.some((each) => each.name === tool.remoteName))
  return {
    id: row.id,
    botId: row.botId,
    name: row.name,
    url: row.url,
    headerNames: toNames(row.headerNames),
    tools: [
      ...catalog.map((each) => {
        const tool = allowed.find(({ remoteName }) => remoteName === each.name)
        const isSame = tool?.definitionHash === each.definitionHash
        const state = tool
          ? isSame
            ? ("allowed" as const)
            : ("changed" as const)
          : ("off" as const)
        return { ...each, state, toolId: tool?.id ?? null } as const
      }),
      ...gone.map((tool) => ({
        name: tool.remoteName ?? tool.name,
        description: tool.description,
        parameters: null,
        fault: "The server does not have it any more.",
        isReadOnlyHint: false,
        definitionHash: tool.definitionHash ?? "",
        state: "gone" as const,
        toolId: tool.id,
      })),
    ],
    readAt: row.readAt.toISOString(),
    createdAt: row.createdAt.toISOString(),
  }
}

/** The MCP servers of a bot, in the order in which they were added. */
export async function listServers(scope: TenantScope, botId: string): Promise<ServerView[]> {
  allow(scope, "bots.read")
  return withTenant(scope, async (tx) => {
    await requireBot(tx, botId)
    const rows = await tx.mcpServer.findMany({ where: { botId }, orderBy: { createdAt: "asc" } })
    const views: ServerView[] = []
    for (const row of rows) views.push(await toServerView(tx, row))
    return views
  })
}

export async function getServer(scope: TenantScope, serverId: string): Promise<ServerView> {
  allow(scope, "bots.read")
  return withTenant(scope, async (tx) => toServerView(tx, await requireServer(tx, serverId)))
}
