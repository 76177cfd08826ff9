import { fail } from "#lib/errors.ts"
import type { Tx } from "#lib/tenancy/database.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { holdBot } from "./corpus.ts"
import { requireSource, type SourceRow } from "./queries.ts"
import { quotas } from "./quotas.ts"

// What commands on sources share. Locks are taken in this order: bot, source, corpus, crawl, tenant.

/** Keeps everyone else from adding to the tenant's sources until this transaction ends. */
export async function holdTenant(tx: Tx, tenantId: string): Promise<void> {
  await tx.$queryRaw`select 1 from tenants where id = ${tenantId} for no key update`
}

/** Room for one more source of so many bytes, held until this transaction ends: two never share a place. */
export async function holdQuota(
  tx: Tx,
  scope: TenantScope,
  bytes: number,
  isNew = true,
): Promise<void> {
  await holdTenant(tx, scope.tenantId)
  const [used] = await tx.$queryRaw<{ sources: number; unfinished: number; bytes: bigint }[]>`
    select count(*)::int as sources, coalesce(sum(byte_size), 0)::bigint as bytes,
      (count(*) filter (where status in ('queued', 'processing')))::int as unfinished
    from sources where tenant_id = ${scope.tenantId}`
  if (!used) return
  if (isNew && used.sources >= quotas.sources) {
    throw fail("conflict", "You have as many sources as one account may have. Delete some first.")
  }
  if (used.unfinished >= quotas.unfinishedSources) {
    throw fail(
      "conflict",
      "Many sources are still waiting to be read. Add more when they are done.",
    )
  }
  if (Number(used.bytes) + bytes > quotas.bytes) {
    throw fail("too_large", "Your files together are as large as they may be. Delete some first.")
  }
}

/** A source with all its attempts before it. */
export const requeued = {
  status: "queued",
  progress: 0,
  attempts: 0,
  error: null,
  notice: null,
  retryAt: null,
} as const

/** A source, held with its bot until the transaction ends. Throws `not_found`. */
export async function lockSource(tx: Tx, sourceId: string): Promise<SourceRow> {
  const { botId } = await requireSource(tx, sourceId)
  if (!(await holdBot(tx, botId))) throw fail("not_found")
  await tx.$queryRaw`select 1 from sources where id = ${sourceId} for update`
  // Read again: it may have changed, or gone, while we waited for the lock.
  return requireSource(tx, sourceId)
}

/**
 * Wakes the worker when this transaction commits. A notification that nobody hears costs seconds and
 * loses nothing: the queued row is the job, and the worker sweeps.
 */
export async function announce(tx: Tx, sourceId: string): Promise<void> {
  await tx.$queryRaw`select pg_notify('source_queued', ${sourceId})::text`
}

type Schema<T> = {
  safeParse(
    input: unknown,
  ):
    | { success: true; data: T }
    | { success: false; error: { issues: { path: PropertyKey[]; message: string }[] } }
}

export function parse<T>(schema: Schema<T>, input: unknown): T {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  throw fail("invalid", {
    issues: parsed.error.issues.map(({ path, message }) => ({ path: path.join("."), message })),
  })
}
