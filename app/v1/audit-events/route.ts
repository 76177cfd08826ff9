import { listAuditEvents } from "#lib/audit/queries.ts"
import { auditEventView, auditFilter } from "#lib/audit/schema.ts"
import { json, route } from "#lib/http/route.ts"
import { pageInput, pageOf } from "#lib/tenancy/page.ts"

export const GET = route({
  auth: "apiKey",
  summary: "List audit events",
  response: pageOf(auditEventView),
  permission: "audit.read",
  query: pageInput.extend(auditFilter.shape),
  handle: async ({ scope, query }) => json(await listAuditEvents(scope, query)),
})
