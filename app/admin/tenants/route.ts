import { json, route } from "#lib/http/route.ts"
import { createTenant, createTenantOnce, listTenants } from "#lib/operator/commands.ts"
import { createTenantInput } from "#lib/operator/schema.ts"
import { pageInput } from "#lib/tenancy/page.ts"

export const GET = route({
  auth: "operator",
  dialect: "operator",
  query: pageInput,
  handle: async ({ query }) => json(await listTenants(query)),
})

export const POST = route({
  auth: "operator",
  dialect: "operator",
  body: createTenantInput,
  handle: async ({ body, ip, request }) => {
    const key = request.headers.get("idempotency-key")?.slice(0, 200)
    if (!key) return json(await createTenant(body, ip), 201)
    const tenant = await createTenantOnce(body, ip, key)
    return json(tenant, tenant.api_key === null ? 200 : 201)
  },
})
