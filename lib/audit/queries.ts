import { withTenant } from "#lib/tenancy/database.ts"
import { olderThan, type Page, type PageInput, toPage } from "#lib/tenancy/page.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import type { AuditEventView } from "./schema.ts"

/** Who did what, newest first. */
export async function listAuditEvents(
  scope: TenantScope,
  page: PageInput = {},
): Promise<Page<AuditEventView>> {
  allow(scope, "audit.read")
  const limit = page.limit ?? 50
  const rows = await withTenant(scope, (tx) =>
    tx.auditEvent.findMany({
      where: olderThan("createdAt", page.cursor),
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
      take: limit + 1,
    }),
  )
  return toPage(
    rows,
    limit,
    (row) => row.createdAt,
    (row) => ({
      id: row.id,
      action: row.action,
      actor: { kind: row.actorKind, label: row.actorLabel },
      target: row.target,
      before: (row.before as Record<string, unknown> | null) ?? null,
      after: (row.after as Record<string, unknown> | null) ?? null,
      ip: row.ip,
      createdAt: row.createdAt.toISOString(),
    }),
  )
}
