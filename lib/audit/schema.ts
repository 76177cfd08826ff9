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

export const auditFilter = z.object({
  noun: z
    .string()
    .regex(/^[A-Za-z]{1,30}$/)
    .optional(),
  actorKind: z.enum(["member", "apiKey", "visitor", "operator", "job"]).optional(),
  target: z.string().max(60).optional(),
})
export type AuditFilter = z.infer<typeof auditFilter>
