import { createHmac } from "node:crypto"
import { record } from "#lib/audit/record.ts"
import { insertTenant } from "#lib/auth/commands.ts"
import { env } from "#lib/env.ts"
import { fail } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import { insertApiKey } from "#lib/keys/api-keys.ts"
import type { NewApiKeyView } from "#lib/keys/schema.ts"
import { log } from "#lib/log.ts"
import { withTenant } from "#lib/tenancy/database.ts"
import { listTenants as listTenantRecords, type TenantRecord } from "#lib/tenancy/directory.ts"
import { scopeForOperator, type TenantScope } from "#lib/tenancy/scope.ts"
import type { CreateTenantInput, UpdateTenantInput } from "./schema.ts"

// What the master key may do: tenants and their first keys, each act in that tenant's audit log. It opens
// no tenant content. Callers have proven the master key (route auth "operator").

export type OperatorTenant = { tenant_id: string; name: string; status: string; created_at: string }

function toView({ id, name, status, createdAt }: TenantRecord): OperatorTenant {
  return { tenant_id: id, name, status, created_at: createdAt.toISOString() }
}

/** Creates a tenant with one API key, whose secret stands in this answer alone. */
export async function createTenant(input: CreateTenantInput, ip: string) {
  return insertTenantWithKey(scopeForOperator(newId("tenant"), ip), input)
}

/** The same, made once however often it is asked for under one key; a repetition's answer carries no secret. */
export async function createTenantOnce(
  input: CreateTenantInput,
  ip: string,
  idempotencyKey: string,
): Promise<Omit<Awaited<ReturnType<typeof createTenant>>, "api_key"> & { api_key: string | null }> {
  const scope = scopeForOperator(deriveTenantId(idempotencyKey), ip)
  return insertTenantWithKey(scope, input).catch(async (error: { code?: unknown }) => {
    if (error.code !== "P2002") throw error
    const { id, name, createdAt } = await withTenant(scope, (tx) => tx.tenant.findFirstOrThrow({}))
    return { tenant_id: id, api_key: null, name, created_at: createdAt.toISOString() }
  })
}

/** A retry names the same tenant, so that the primary key decides between two at once; nothing is stored for it. */
function deriveTenantId(idempotencyKey: string): string {
  const hmac = createHmac("sha256", env.MASTER_API_KEY ?? "").update(`tenant\n${idempotencyKey}`)
  return newId("tenant").slice(0, "ten_".length) + hmac.digest("hex").slice(0, 24)
}

function insertTenantWithKey(scope: TenantScope, input: CreateTenantInput) {
  return withTenant(scope, async (tx) => {
    await insertTenant(tx, scope, { name: input.name, isSelfRegistered: false })
    const key = await insertApiKey(tx, scope, { name: "First key" })
    const row = await tx.tenant.findUniqueOrThrow({ where: { id: scope.tenantId } })
    return {
      tenant_id: scope.tenantId,
      api_key: key.secret,
      name: row.name,
      created_at: row.createdAt.toISOString(),
    }
  })
}

export async function listTenants(page: {
  cursor?: string | undefined
  limit?: number | undefined
}) {
  const limit = page.limit ?? 50
  const rows = await listTenantRecords(page.cursor ?? "", limit)
  return {
    tenants: rows.map(toView),
    next_cursor: rows.length === limit ? (rows.at(-1)?.id ?? null) : null,
  }
}

/** Suspends or re-activates a tenant: every credential of a suspended one is dead on its next request. */
export async function updateTenant(
  tenantId: string,
  input: UpdateTenantInput,
  ip: string,
): Promise<OperatorTenant> {
  const scope = scopeForOperator(tenantId, ip)
  return withTenant(scope, async (tx) => {
    const before = await tx.tenant.findFirst({})
    if (!before) throw fail("not_found")
    const row = await tx.tenant.update({ where: { id: tenantId }, data: { status: input.status } })
    await record(tx, scope, {
      action: input.status === "active" ? "tenant.activated" : "tenant.suspended",
      target: tenantId,
      before: { status: before.status },
      after: { status: row.status },
    })
    return {
      tenant_id: row.id,
      name: row.name,
      status: row.status,
      created_at: row.createdAt.toISOString(),
    }
  })
}

/**
 * Deletes a tenant and every row of it, its jobs and what was counted for it. Its own audit log goes with it:
 * the deployment's log keeps the act.
 */
export async function deleteTenant(tenantId: string, ip: string): Promise<void> {
  const { count } = await withTenant(scopeForOperator(tenantId, ip), async (tx) => {
    await tx.$executeRaw`
      delete from pgboss.job where data ->> 'sourceId' in (select id from public.sources)`
    await tx.$executeRaw`select limits.forget_tenant()`
    return tx.tenant.deleteMany({})
  })
  if (count === 0) throw fail("not_found")
  log.warn({ code: "tenant_deleted", tenantId, ip }, "the operator deleted a tenant")
}

/** A further API key for a tenant that lost its own. */
export async function createTenantApiKey(
  tenantId: string,
  input: { name: string },
  ip: string,
): Promise<NewApiKeyView> {
  const scope = scopeForOperator(tenantId, ip)
  return withTenant(scope, async (tx) => {
    if (!(await tx.tenant.findFirst({}))) throw fail("not_found")
    return insertApiKey(tx, scope, input)
  })
}
