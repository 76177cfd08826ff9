import { record } from "#lib/audit/record.ts"
import { fail } from "#lib/errors.ts"
import { withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { VisitorScope } from "#lib/tenancy/scope.ts"

/** "Forget me": the visitor's conversations and leads are gone; the secret opens nothing any more. */
export async function forgetVisitor(scope: VisitorScope): Promise<void> {
  allow(scope, "chat.read")
  await withTenant(scope, async (tx) => {
    const { count } = await tx.conversation.deleteMany({})
    await tx.lead.deleteMany({})
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
