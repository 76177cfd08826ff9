import { z } from "zod"

/** Everything that is recorded, as noun.verb; the audit page has words for each. */
export type AuditAction =
  | "apiKey.created"
  | "apiKey.deleted"
  | "apiKey.rotated"
  | "apiKey.usedInBrowser"
  | "bot.changed"
  | "bot.created"
  | "bot.deleted"
  | "bot.published"
  | "bot.unpublished"
  | "check.overruled"
  | "crawl.added"
  | "crawl.deleted"
  | "crawl.stopped"
  | "crawl.updated"
  | "embedKey.changed"
  | "embedKey.checkRaised"
  | "embedKey.created"
  | "embedKey.deleted"
  | "embedKey.networkBlocked"
  | "embedKey.networkUnblocked"
  | "embedKey.rotated"
  | "embedKey.sessionsEnded"
  | "embedKey.switchedOff"
  | "embedKey.switchedOn"
  | "gap.answered"
  | "gap.dismissed"
  | "golden.added"
  | "golden.changed"
  | "golden.deleted"
  | "golden.drafted"
  | "golden.imported"
  | "lead.changed"
  | "mcpServer.added"
  | "mcpServer.changed"
  | "mcpServer.deleted"
  | "member.passwordChanged"
  | "member.passwordConfirmed"
  | "member.removed"
  | "member.roleChanged"
  | "member.signedOut"
  | "model.removed"
  | "model.saved"
  | "session.ended"
  | "source.accepted"
  | "source.added"
  | "source.deleted"
  | "source.discarded"
  | "source.held"
  | "source.replaced"
  | "source.retried"
  | "source.stopped"
  | "source.updated"
  | "spend.reached100"
  | "spend.reached50"
  | "spend.reached80"
  | "tenant.activated"
  | "tenant.created"
  | "tenant.suspended"
  | "tool.approved"
  | "tool.changed"
  | "tool.changedByServer"
  | "tool.created"
  | "tool.declined"
  | "tool.deleted"
  | "tool.tried"
  | "visitor.blocked"
  | "visitor.forgotten"
  | "visitor.unblocked"

export type AuditNoun = AuditAction extends `${infer Noun}.${string}` ? Noun : never

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
