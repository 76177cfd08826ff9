import { record } from "#lib/audit/record.ts"
import { stripHidden } from "#lib/chat/prompt.ts"
import { fail } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import { withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope, VisitorScope } from "#lib/tenancy/scope.ts"
import { toLeadView } from "./queries.ts"
import type { CreateLeadInput, LeadView } from "./schema.ts"

/** Keeps what a visitor left, tied to their conversation when there is one. */
export async function createLead(
  scope: VisitorScope,
  input: CreateLeadInput,
): Promise<{ id: string }> {
  allow(scope, "chat.send")
  // What hides in a text from whoever reads it in the console is not kept.
  const name = stripHidden(input.name).replace(/\s+/g, " ").trim()
  if (name === "")
    throw fail("invalid", { issues: [{ path: "name", message: "Enter your name." }] })
  return withTenant(scope, async (tx) => {
    const conversation = await tx.conversation.findFirst({ orderBy: { lastMessageAt: "desc" } })
    const { id } = await tx.lead.create({
      data: {
        id: newId("lead"),
        tenantId: scope.tenantId,
        botId: scope.visitor.botId,
        visitorId: scope.visitor.visitorId,
        conversationId: conversation?.id ?? null,
        name,
        email: input.email ?? null,
        phone: input.phone ?? null,
        message: stripHidden(input.message),
      },
    })
    return { id }
  })
}

/** Marks a lead as done or new again. */
export async function updateLead(
  scope: TenantScope,
  leadId: string,
  input: { status: "new" | "done" },
): Promise<LeadView> {
  allow(scope, "leads.write")
  return withTenant(scope, async (tx) => {
    const before = await tx.lead.findFirst({ where: { id: leadId } })
    if (!before) throw fail("not_found")
    const row = await tx.lead.update({ where: { id: leadId }, data: { status: input.status } })
    await record(tx, scope, {
      action: "lead.changed",
      target: leadId,
      before: { status: before.status },
      after: { status: row.status },
    })
    return toLeadView(row)
  })
}
