import { listAuditEvents } from "#lib/audit/queries.ts"
import { json, route } from "#lib/http/route.ts"
import { pageInput } from "#lib/tenancy/page.ts"

export const GET = route({
  auth: "apiKey",
  permission: "audit.read",
  query: pageInput,
  handle: async ({ scope, query }) => json(await listAuditEvents(scope, query)),
})
