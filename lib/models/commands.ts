import { record } from "#lib/audit/record.ts"
import { type Failure, fail } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import { vetOutbound } from "#lib/outbound/fetch.ts"
import { withTenant } from "#lib/tenancy/database.ts"
import { encryptSecret } from "#lib/tenancy/encryption.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { placeOf, type TenantModelRow, toModelView } from "./queries.ts"
import {
  type ModelProvider,
  type SaveModelInput,
  saveModelInput,
  type TenantModelView,
} from "./schema.ts"

// Guarantees: address and key are one record (another address needs its key again, so that a stored key is
// never sent to a new host), and the key is sealed and never given out.

const ownUrls: Partial<Record<ModelProvider, string>> = {
  openai: "https://api.openai.com/v1",
  anthropic: "https://api.anthropic.com/v1",
}

/**
 * Sets the tenant's own model. Without a key the stored one stays, while provider and address do. Throws
 * `invalid`, and `url_not_allowed` for an address of no public host.
 */
export async function saveTenantModel(
  scope: TenantScope,
  given: SaveModelInput,
): Promise<TenantModelView> {
  allow(scope, "tenant.write")
  const { apiKey, ...input } = saveModelInput.parse(given)
  const url = input.url || ownUrls[input.provider]
  if (!url) throw refuse("url", "Enter the address of your provider.")
  await vetOutbound(url)
  return withTenant(scope, async (tx) => {
    // Held by its tenant, which a first save has as well: the key that stays must be the one this very address
    // was saved with, and a new one is sealed to the row that it goes into.
    await tx.$queryRaw`
      select 1 from public.tenants where id = ${scope.tenantId} for no key update`
    const before = await tx.tenantModel.findFirst({})
    const id = before?.id ?? newId("model")
    const sealed = apiKey && {
      secret: encryptSecret(scope, placeOf(id), apiKey),
      lastFour: apiKey.slice(-4),
    }
    const isSameHome = before?.url === url && before.provider === input.provider
    const secret = sealed || (isSameHome && { secret: before.secret, lastFour: before.lastFour })
    if (!secret)
      throw refuse(
        "apiKey",
        before ? "Give the key again: the stored one was for another address." : "Enter the key.",
      )
    const data = { ...input, ...secret, url }
    const row = await tx.tenantModel.upsert({
      where: { tenantId: scope.tenantId },
      create: { ...data, id, tenantId: scope.tenantId },
      update: data,
    })
    await record(tx, scope, {
      action: "model.saved",
      target: scope.tenantId,
      ...(before ? { before: toFacts(before) } : {}),
      after: toFacts(row),
    })
    return toModelView(row)
  })
}

/** Back to the deployment's model, or to quoting; the key is gone. */
export async function removeTenantModel(scope: TenantScope): Promise<void> {
  allow(scope, "tenant.write")
  await withTenant(scope, async (tx) => {
    const before = await tx.tenantModel.findFirst({})
    if (!before) throw fail("not_found")
    await tx.tenantModel.deleteMany({})
    await record(tx, scope, {
      action: "model.removed",
      target: scope.tenantId,
      before: toFacts(before),
    })
  })
}

function refuse(path: string, message: string): Failure {
  return fail("invalid", { detail: message, issues: [{ path, message }] })
}

/** For the audit log: where it is and what it costs, and of the key its end. */
function toFacts(row: TenantModelRow) {
  const { updatedAt: _, ...facts } = toModelView(row)
  return facts
}
