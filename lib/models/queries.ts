import { parseTokenPrice } from "#lib/billing/prices.ts"
import { log } from "#lib/log.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import { decryptSecret } from "#lib/tenancy/encryption.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { type ChatModel, createModel, findChatModel } from "./chat-model.ts"
import { fetchModel } from "./outbound-fetch.ts"
import { modelProviders, type TenantModelView } from "./schema.ts"

// A tenant's own model is asked with its own key through lib/outbound, and with nothing else.

export type TenantModelRow = NonNullable<Awaited<ReturnType<Tx["tenantModel"]["findFirst"]>>>

/** Where the key of a tenant's own model lies. */
export const placeOf = (id: string) => ({ table: "tenant_models", column: "secret", id })

export function toModelView(row: TenantModelRow): TenantModelView {
  const { provider, url, name, lastFour, inputPrice, cachedPrice, outputPrice, updatedAt } = row
  return {
    provider: modelProviders.find((known) => known === provider) ?? "openai-compatible",
    url,
    name,
    lastFour,
    inputPrice,
    cachedPrice,
    outputPrice,
    updatedAt: updatedAt.toISOString(),
  }
}

/** The tenant's own model without its key, or null. */
export async function findTenantModel(scope: TenantScope): Promise<TenantModelView | null> {
  allow(scope, "tenant.write")
  const row = await withTenant(scope, (tx) => tx.tenantModel.findFirst({}))
  return row && toModelView(row)
}

/**
 * The model that answers for this tenant: its own where it brought one, else the deployment's. Null without
 * either, and when the key of its own does not open: the product then quotes, on nobody's money.
 */
export async function findModelFor(scope: TenantScope): Promise<ChatModel | null> {
  return withTenant(scope, (tx) => readModelFor(tx, scope))
}

/** The same inside a transaction. */
export async function readModelFor(tx: Tx, scope: TenantScope): Promise<ChatModel | null> {
  const row = await tx.tenantModel.findFirst({})
  return row ? openModel(scope, row) : findChatModel()
}

function openModel(scope: TenantScope, row: TenantModelRow): ChatModel | null {
  const { provider, url, name } = toModelView(row)
  const price = parseTokenPrice(
    `input=${row.inputPrice},cached=${row.cachedPrice},output=${row.outputPrice}`,
  )
  const apiKey = openKey(scope, row)
  const model =
    apiKey === null
      ? null
      : createModel({ provider, name, baseURL: url, apiKey, fetch: fetchModel })
  return price && model && { model, name, price, ownerId: scope.tenantId }
}

function openKey(scope: TenantScope, row: TenantModelRow): string | null {
  try {
    return decryptSecret(scope, placeOf(row.id), row.secret)
  } catch (error) {
    log.error(
      { err: error, code: "model_key_unusable", tenantId: scope.tenantId },
      "a tenant's model key does not open: its bots quote",
    )
    return null
  }
}
