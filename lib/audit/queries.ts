import { withTenant } from "#lib/tenancy/database.ts"
import { olderThan, type Page, type PageInput, toPage } from "#lib/tenancy/page.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import type { AuditEventView, AuditFilter } from "./schema.ts"

/** Who did what, newest first; narrowed to a noun such as `embedKey`, a kind of actor, or one thing's id. */
export async function listAuditEvents(
  scope: TenantScope,
  { noun, actorKind, target, ...page }: PageInput & AuditFilter = {},
): Promise<Page<AuditEventView>> {
  allow(scope, "audit.read")
  const limit = page.limit ?? 50
  const rows = await withTenant(scope, (tx) =>
    tx.auditEvent.findMany({
      where: {
        ...(noun ? { action: { startsWith: `${noun}.` } } : {}),
        ...(actorKind ? { actorKind } : {}),
        ...(target ? { target } : {}),
        ...olderThan("createdAt", page.cursor),
      },
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
