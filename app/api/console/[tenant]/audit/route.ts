import { listAuditEvents } from "#lib/audit/queries.ts"
import { auditFilter } from "#lib/audit/schema.ts"
import { json, route } from "#lib/http/route.ts"
import { pageInput } from "#lib/tenancy/page.ts"

export const GET = route({
  auth: "member",
  permission: "audit.read",
  rate: "export.tenant",
  query: pageInput.extend(auditFilter.shape),
  handle: async ({ scope, query }) => json(await listAuditEvents(scope, query)),
})
