import { record } from "#lib/audit/record.ts"
import { requireBot } from "#lib/bots/queries.ts"
import { fail } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import { takeRates } from "#lib/limits/rates.ts"
import { vetOutbound } from "#lib/outbound/fetch.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { checkRoom, toFacts } from "./commands.ts"
import { type McpServer, readRemoteTools } from "./mcp.ts"
import { readCatalog, requireServer, type ServerRow, toServerView, toToolView } from "./queries.ts"
import {
  type AllowRemoteToolInput,
  allowRemoteToolInput,
  type CreateServerInput,
  createServerInput,
  maxServersPerBot,
  type RemoteTool,
  type ServerView,
  type UpdateServerInput,
  updateServerInput,
} from "./schema.ts"
import {
  checkHeaders,
  checkMove,
  openHeaders,
  refuse,
  sealHeaders,
  serverSecretPlace,
} from "./sealed-headers.ts"

// Guarantees: a server's tool is offered in the words the owner saw when they allowed it, or not at all; no
// tool is allowed by being there. A server's own word on whether a tool only reads decides nothing.

type Reader = (server: McpServer) => Promise<RemoteTool[]>

/** Asks the server for its tools and keeps it with what it said; none of them is allowed by that. */
export async function addServer(
  scope: TenantScope,
  botId: string,
  given: CreateServerInput,
  read: Reader = readRemoteTools,
): Promise<ServerView> {
  allow(scope, "bots.write")
  const { headers, name, url } = createServerInput.parse(given)
  await withTenant(scope, async (tx) => {
    await requireBot(tx, botId)
    await checkServerRoom(tx, botId, name)
  })
  const catalog = await ask(scope, { url, headers }, read)
  const id = newId("mcpServer")
  return withTenant(scope, async (tx) => {
    await checkServerRoom(tx, botId, name)
    const row = await tx.mcpServer.create({
      data: {
        ...sealHeaders(scope, serverSecretPlace(id), headers),
        id,
        tenantId: scope.tenantId,
        botId,
        name,
        url,
        catalog,
      },
    })
    await record(tx, scope, { action: "mcpServer.added", target: id, after: toServerFacts(row) })
    return toServerView(tx, row)
  })
}

/** Changes name, address or headers, and asks the server again. A new host needs its headers again. */
export async function updateServer(
  scope: TenantScope,
  serverId: string,
  given: UpdateServerInput,
  read: Reader = readRemoteTools,
): Promise<ServerView> {
  allow(scope, "bots.write")
  const { headers, ...input } = updateServerInput.parse(given)
  const before = await withTenant(scope, (tx) => requireServer(tx, serverId))
  const url = input.url ?? before.url
  if (!headers && URL.canParse(url)) checkMove(before.url, url, namesOf(before))
  const place = serverSecretPlace(serverId)
  const used = headers ?? openHeaders(scope, place, before.secret)
  const catalog = await ask(scope, { url, headers: used }, read)
  return withTenant(scope, async (tx) => {
    await tx.$queryRaw`select id from public.mcp_servers where id = ${serverId} for update`
    const row = await requireServer(tx, serverId)
    // What was read belongs to what was sent: another change in between wins.
    if (row.url !== before.url || row.secret !== before.secret) throw fail("conflict")
    if (input.name && input.name !== row.name) await checkServerRoom(tx, row.botId, input.name, 0)
    const updated = await tx.mcpServer.update({
      where: { id: serverId },
      data: {
        ...(input.name === undefined ? {} : { name: input.name }),
        ...(headers ? sealHeaders(scope, place, headers) : {}),
        url,
        catalog,
        readAt: new Date(),
      },
    })
    // Calls that wait were shown to somebody as calls of another address.
    if (url !== row.url || headers) await voidCalls(tx, serverId)
    await record(tx, scope, {
      action: "mcpServer.changed",
      target: serverId,
      before: toServerFacts(row),
      after: toServerFacts(updated),
    })
    return toServerView(tx, updated)
  })
}

/** Asks the server for its tools again; one that is described otherwise now is not offered any more. */
export async function refreshServer(
  scope: TenantScope,
  serverId: string,
  read: Reader = readRemoteTools,
): Promise<ServerView> {
  return updateServer(scope, serverId, {}, read)
}

/** Deletes a server with all its tools. */
export async function deleteServer(scope: TenantScope, serverId: string): Promise<void> {
  allow(scope, "bots.write")
  await withTenant(scope, async (tx) => {
    const row = await requireServer(tx, serverId)
    await tx.mcpServer.delete({ where: { id: serverId } })
    await record(tx, scope, {
      action: "mcpServer.deleted",
      target: serverId,
      before: toServerFacts(row),
    })
  })
}

/**
 * Allows one tool in the words the owner saw, or allows it again after they changed. Throws `conflict` when
 * the server was read again meanwhile and says something else now.
 */
export async function allowRemoteTool(
  scope: TenantScope,
  serverId: string,
  given: AllowRemoteToolInput,
): Promise<ServerView> {
  allow(scope, "bots.write")
  const { name: remoteName, definitionHash, isWrite } = allowRemoteToolInput.parse(given)
  return withTenant(scope, async (tx) => {
    const server = await requireServer(tx, serverId)
    const remote = readCatalog(server).find((each) => each.name === remoteName)
    if (!remote) throw fail("not_found")
    if (remote.definitionHash !== definitionHash)
      throw fail("conflict", "The server describes this tool otherwise now. Look at it again.")
    if (!remote.parameters) throw refuse("name", remote.fault ?? "This tool cannot be used.")
    const said = {
      description: remote.description,
      parameters: remote.parameters,
      definitionHash,
      isWrite,
    }
    const known = await tx.tool.findFirst({ where: { serverId, remoteName } })
    const row = known
      ? await tx.tool.update({
          where: { id: known.id },
          data: { ...said, isEnabled: true, version: known.version + 1 },
        })
      : await tx.tool.create({
          data: {
            ...said,
            id: newId("tool"),
            tenantId: scope.tenantId,
            botId: server.botId,
            kind: "mcp",
            name: await findFreeName(tx, server.botId, remoteName),
            serverId,
            remoteName,
          },
        })
    await record(tx, scope, {
      action: known ? "tool.changed" : "tool.created",
      target: row.id,
      ...(known ? { before: toFacts(toToolView(known)) } : {}),
      after: { ...toFacts(toToolView(row)), definitionHash },
    })
    return toServerView(tx, server)
  })
}

async function ask(scope: TenantScope, server: McpServer, read: Reader): Promise<RemoteTool[]> {
  checkHeaders(server.headers, /^(?:accept|content-type|mcp-.*)$/i)
  await vetOutbound(server.url)
  await takeRates([{ rate: "toolTest.tenant", subject: scope.tenantId }])
  try {
    return await read(server)
  } catch (error) {
    const { code, detail } = error as { code?: string; detail?: string }
    // A server that is away is nothing wrong on our side: the form says so beside the address.
    if (code === "invalid" && detail) throw refuse("url", detail)
    if (code === "remote_timeout") throw refuse("url", "The server took longer than 10 seconds.")
    if (code === "redirect_limit")
      throw refuse("url", "The server sends us on. Use the address it ends at.")
    if (code?.startsWith("remote_")) throw refuse("url", "The server did not answer.")
    throw error
  }
}

async function checkServerRoom(tx: Tx, botId: string, name: string, more = 1) {
  const all = await tx.mcpServer.findMany({ where: { botId } })
  if (all.some((each) => each.name === name))
    throw refuse("name", "Another server of this bot has this name.")
  if (all.length + more > maxServersPerBot)
    throw refuse("name", `A bot has at most ${maxServersPerBot} MCP servers.`)
}

/** The remote name in letters that every model takes, and not one that the bot has already. */
async function findFreeName(tx: Tx, botId: string, remoteName: string): Promise<string> {
  const plain = remoteName
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^[^a-z]+|_+$/g, "")
  const base = (plain || "tool").slice(0, 36)
  const taken = new Set((await tx.tool.findMany({ where: { botId } })).map((tool) => tool.name))
  let name = base
  for (let i = 2; taken.has(name); i += 1) name = `${base}_${i}`
  await checkRoom(tx, botId, name)
  return name
}

async function voidCalls(tx: Tx, serverId: string) {
  const tools = await tx.tool.findMany({ where: { serverId } })
  for (const tool of tools)
    await tx.tool.update({ where: { id: tool.id }, data: { version: tool.version + 1 } })
}

const namesOf = (row: ServerRow) =>
  Array.isArray(row.headerNames) ? row.headerNames.map(String) : []

/** For the audit log: where it is, never a header's value. */
function toServerFacts(row: ServerRow) {
  const { name, url } = row
  return { name, url, headerNames: namesOf(row), toolCount: readCatalog(row).length }
}
