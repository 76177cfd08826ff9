import { z } from "zod"

export const auditEventView = z.strictObject({
  id: z.string(),
  action: z.string(),
  actor: z.strictObject({ kind: z.string(), label: z.string() }),
  target: z.string().nullable(),
  before: z.record(z.string(), z.unknown()).nullable(),
  after: z.record(z.string(), z.unknown()).nullable(),
  ip: z.string().nullable(),
  createdAt: z.string(),
})
export type AuditEventView = z.infer<typeof auditEventView>
