import { record } from "#lib/audit/record.ts"
import { fail } from "#lib/errors.ts"
import { withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { VisitorScope } from "#lib/tenancy/scope.ts"

/** "Forget me": nothing the visitor said or left is kept. They may go on asking, as if they had just come. */
export async function forgetVisitor(scope: VisitorScope): Promise<void> {
  allow(scope, "chat.read")
  await withTenant(scope, async (tx) => {
    const { count } = await tx.conversation.deleteMany({})
    const leads = await tx.lead.deleteMany({})
    await tx.session.updateMany({ data: { pageUrl: null, pageTitle: null, address: null } })
    if (count + leads.count === 0) return
    await record(tx, scope, { action: "visitor.forgotten", after: { conversations: count } })
  })
}

/** A visitor's thumb on one answer of their own; null takes it back. */
export async function giveFeedback(
  scope: VisitorScope,
  input: { messageId: string; value: "up" | "down" | null },
): Promise<void> {
  allow(scope, "chat.send")
  await withTenant(scope, async (tx) => {
    const row = await tx.message.findFirst({ where: { id: input.messageId, role: "assistant" } })
    if (!row) throw fail("not_found")
    await tx.message.update({ where: { id: row.id }, data: { feedback: input.value } })
    const thumbsDown = await tx.message.count({
      where: { conversationId: row.conversationId, feedback: "down" },
    })
    await tx.conversation.update({
      where: { id: row.conversationId },
      data: { isThumbsDown: thumbsDown > 0 },
    })
  })
}
