import { newId } from "#lib/ids.ts"
import type { Tx } from "#lib/tenancy/database.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import type { AuditAction } from "./schema.ts"

export type AuditEntry = {
  action: AuditAction
  /** The id of what was changed. */
  target?: string
  before?: Record<string, unknown>
  after?: Record<string, unknown>
}

/** Writes an audit event in the caller's transaction: the act and its record land together or not at all. */
export async function record(tx: Tx, scope: TenantScope, entry: AuditEntry): Promise<void> {
  // createMany returns nothing: visitors may add to the log and never read it.
  await tx.auditEvent.createMany({
    data: [
      {
        id: newId("event"),
        tenantId: scope.tenantId,
        action: entry.action,
        actorKind: scope.actor.kind,
        actorId: scope.actor.id,
        actorLabel: scope.actor.label,
        ip: scope.actor.ip ?? null,
        target: entry.target ?? null,
        ...(entry.before ? { before: toJson(entry.before) } : {}),
        ...(entry.after ? { after: toJson(entry.after) } : {}),
      },
    ],
  })
}

function toJson(value: Record<string, unknown>) {
  return JSON.parse(JSON.stringify(value)) as Record<string, string>
}
