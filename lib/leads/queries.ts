import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { olderThan, type Page, type PageInput, toPage } from "#lib/tenancy/page.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import type { LeadView } from "./schema.ts"

type LeadRow = NonNullable<Awaited<ReturnType<Tx["lead"]["findFirst"]>>>

export function toLeadView(row: LeadRow): LeadView {
  return {
    id: row.id,
    botId: row.botId,
    conversationId: row.conversationId,
    name: row.name,
    email: row.email,
    phone: row.phone,
    message: row.message,
    status: row.status === "done" ? "done" : "new",
    createdAt: row.createdAt.toISOString(),
  }
}

/** People who asked to be called back, newest first. */
export async function listLeads(
  scope: TenantScope,
  { botId, ...page }: PageInput & { botId?: string | undefined } = {},
): Promise<Page<LeadView>> {
  allow(scope, "leads.read")
  const limit = page.limit ?? 50
  const rows = await withTenant(scope, (tx) =>
    tx.lead.findMany({
      where: { ...(botId ? { botId } : {}), ...olderThan("createdAt", page.cursor) },
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
      take: limit + 1,
    }),
  )
  return toPage(rows, limit, (row) => row.createdAt, toLeadView)
}
