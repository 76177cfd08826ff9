import { record } from "#lib/audit/record.ts"
import { requireBot } from "#lib/bots/queries.ts"
import { type Failure, fail } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import { vetOutbound } from "#lib/outbound/fetch.ts"
import { isAllowedHeader } from "#lib/outbound/headers.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { encryptSecret } from "#lib/tenancy/encryption.ts"
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

/** Where the headers of a tool lie. */
export const secretPlace = (toolId: string) => ({ table: "tools", column: "secret", id: toolId })

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
        ...sealHeaders(scope, id, headers),
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
  const url = input.url ?? current.url
  if (input.url ?? input.parameters) await checkAddress(url, input.parameters ?? current.parameters)
  if (headers) checkHeaders(headers)
  return withTenant(scope, async (tx) => {
    const row = await requireTool(tx, toolId)
    const before = toToolView(row)
    if (!headers && before.headerNames.length > 0 && originOf(url) !== originOf(before.url))
      throw refuse("headers", "Give the headers again: they were for another host.")
    if (input.name && input.name !== before.name) await checkRoom(tx, row.botId, input.name, 0)
    const changes = Object.fromEntries(
      Object.entries(input).filter(([, value]) => value !== undefined),
    )
    const updated = await tx.tool.update({
      where: { id: toolId },
      data: {
        ...changes,
        ...(headers ? sealHeaders(scope, toolId, headers) : {}),
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

function refuse(path: string, message: string): Failure {
  return fail("invalid", { detail: message, issues: [{ path, message }] })
}

async function checkAddress(url: string, parameters: ToolParameters) {
  const unknown = parameters.required.find((name) => !parameters.properties[name])
  if (unknown !== undefined) throw refuse("parameters", `There is no value named ${unknown}.`)
  const fault = findTemplateFault(url, parameters)
  if (fault) throw refuse("url", fault)
  // Values cannot reach the host, so any will do.
  await vetOutbound(withSampleValues(url))
}

const originOf = (url: string) => new URL(url).origin

function checkHeaders(headers: Record<string, string>) {
  for (const [name, value] of Object.entries(headers))
    if (!isAllowedHeader(name, value))
      throw refuse("headers", `The header ${name.slice(0, 40)} may not be set.`)
}

function sealHeaders(scope: TenantScope, toolId: string, headers: Record<string, string>) {
  const headerNames = Object.keys(headers).sort()
  if (headerNames.length === 0) return { headerNames, secret: null }
  return { headerNames, secret: encryptSecret(scope, secretPlace(toolId), JSON.stringify(headers)) }
}

async function checkRoom(tx: Tx, botId: string, name: string, more = 1) {
  const all = await tx.tool.findMany({ where: { botId } })
  if (all.some((tool) => tool.name === name))
    throw refuse("name", "Another tool of this bot has this name.")
  if (all.length + more > maxToolsPerBot)
    throw refuse("name", `A bot has at most ${maxToolsPerBot} tools.`)
}

/** For the audit log: what it may do and where, never a header's value. */
function toFacts({ name, isWrite, isEnabled, method, url, headerNames }: ToolView) {
  return { name, isWrite, isEnabled, method, url, headerNames }
}
