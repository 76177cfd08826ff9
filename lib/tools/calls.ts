import { record } from "#lib/audit/record.ts"
import { fail } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import { withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { VisitorScope } from "#lib/tenancy/scope.ts"
import { type OfferedTool, toToolView } from "./queries.ts"
import { readArguments, summarize, type ToolArguments } from "./request.ts"
import type { ToolConfirmation } from "./schema.ts"

// Guarantees: a tool that writes runs after the visitor said yes to these very values, once, within ten
// minutes, in the same session, and only while the owner still allows this wording of the tool on the key.

const expiresAfterMs = 10 * 60_000

/** Stores what the model asked for; nothing runs. Null when the key does not allow the tool (any more). */
export async function askForConfirmation(
  scope: VisitorScope,
  {
    tool,
    conversationId,
    ...call
  }: {
    tool: OfferedTool
    conversationId: string
    arguments: ToolArguments
  },
): Promise<ToolConfirmation | null> {
  const { botId, keyId, sessionId, visitorId } = scope.visitor
  return withTenant(scope, async (tx) => {
    const row = await tx.tool.findFirst({ where: { id: tool.id, botId, isEnabled: true } })
    const leave = await tx.embedKeyTool.findFirst({ where: { keyId, botId, toolId: tool.id } })
    if (!row || !leave) return null
    // What a visitor once typed is kept no longer than it can be of use; the audit log has the decision.
    await tx.toolCall.deleteMany({ where: { visitorId, expiresAt: { lt: new Date() } } })
    const { id } = await tx.toolCall.create({
      data: {
        id: newId("toolCall"),
        tenantId: scope.tenantId,
        botId,
        toolId: tool.id,
        toolVersion: row.version,
        keyId,
        sessionId,
        visitorId,
        conversationId,
        arguments: call.arguments,
        expiresAt: new Date(Date.now() + expiresAfterMs),
      },
    })
    return { callId: id, name: row.name, summary: summarize(call.arguments) }
  })
}

/** The call a visitor decides about, as their message shows it; throws `not_found` when it is not theirs. */
export async function findCall(scope: VisitorScope, callId: string): Promise<{ name: string }> {
  const { sessionId, botId } = scope.visitor
  return withTenant(scope, async (tx) => {
    const call = await tx.toolCall.findFirst({ where: { id: callId, sessionId, botId } })
    const tool = call && (await tx.tool.findFirst({ where: { id: call.toolId } }))
    if (!tool) throw fail("not_found")
    return { name: tool.name }
  })
}

export type DecidedCall = {
  toolId: string
  version: number
  name: string
  arguments: ToolArguments
}

/**
 * Spends a call: whoever comes second, late, or after the owner changed their mind gets null, and nothing
 * runs. A yes is an audit event, written before the tool is called.
 */
export async function decideCall(
  scope: VisitorScope,
  { callId, isApproved }: { callId: string; isApproved: boolean },
): Promise<DecidedCall | null> {
  allow(scope, "chat.send")
  const { sessionId, botId, keyId } = scope.visitor
  return withTenant(scope, async (tx) => {
    const { count } = await tx.toolCall.updateMany({
      where: {
        id: callId,
        sessionId,
        botId,
        keyId,
        status: "pending",
        expiresAt: { gt: new Date() },
      },
      data: { status: isApproved ? "approved" : "declined", decidedAt: new Date() },
    })
    const call = count === 1 ? await tx.toolCall.findFirst({ where: { id: callId } }) : null
    const row = call && (await tx.tool.findFirst({ where: { id: call.toolId, botId } }))
    if (!call || !row) return null
    const tool = toToolView(row)
    const leave = await tx.embedKeyTool.findFirst({ where: { keyId, botId, toolId: row.id } })
    const given = readArguments(tool.parameters, call.arguments)
    const isGood = leave && row.isEnabled && row.version === call.toolVersion && given
    if (isApproved && !isGood) return null
    await record(tx, scope, {
      action: isApproved ? "tool.approved" : "tool.declined",
      target: row.id,
      after: { callId, name: row.name },
    })
    return { toolId: row.id, version: row.version, name: row.name, arguments: given ?? {} }
  })
}
