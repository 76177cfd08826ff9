import { json, noContent, route } from "#lib/http/route.ts"
import { deleteTenant, updateTenant } from "#lib/operator/commands.ts"
import { updateTenantInput } from "#lib/operator/schema.ts"

export const PATCH = route({
  auth: "operator",
  dialect: "operator",
  body: updateTenantInput,
  handle: async ({ params, body, ip }) => json(await updateTenant(params.tenant!, body, ip)),
})

export const DELETE = route({
  auth: "operator",
  dialect: "operator",
  handle: async ({ params, ip }) => {
    await deleteTenant(params.tenant!, ip)
    return noContent()
  },
})
