import { z } from "zod"
import { botCheckModes } from "#lib/bot-check/schema.ts"
import { keyLimitsInput } from "#lib/limits/schema.ts"

const allowedOrigins = z.array(z.string()).max(50)

export const createEmbedKeyInput = z.strictObject({
  name: z.string().trim().min(1).max(60).optional(),
  mode: z.enum(["live", "test"]).default("live"),
  allowedOrigins: allowedOrigins.default([]),
  botIds: z.array(z.string()).min(1).max(20).optional(),
  limits: keyLimitsInput.partial().optional(),
  botCheck: z.enum(botCheckModes).default("off"),
})
export type CreateEmbedKeyInput = z.input<typeof createEmbedKeyInput>

export const updateEmbedKeyInput = z
  .strictObject({
    name: z.string().trim().min(1).max(60),
    status: z.enum(["active", "disabled"]),
    allowedOrigins,
    botIds: z.array(z.string()).min(1).max(20),
    limits: keyLimitsInput.partial(),
    botCheck: z.enum(botCheckModes),
    /** Ids of the tools that write and may run on this key; those that only read need no leave. */
    tools: z.array(z.string()).max(200),
  })
  .partial()
export type UpdateEmbedKeyInput = z.infer<typeof updateEmbedKeyInput>

export const embedKeyView = z.strictObject({
  id: z.string(),
  key: z.string(),
  name: z.string(),
  mode: z.enum(["live", "test"]),
  status: z.enum(["active", "disabled"]),
  allowedOrigins: z.array(z.string()),
  botIds: z.array(z.string()),
  limits: keyLimitsInput,
  botCheck: z.enum(botCheckModes),
  /** Until when everyone is checked, because half of a day's limit went in an unusual hour; null when not. */
  botCheckRaisedUntil: z.string().nullable(),
  tools: z.array(z.string()),
  /** Until when the line before the last rotation still works; null when it does not. */
  previousExpiresAt: z.string().nullable(),
  createdAt: z.string(),
  lastSeenAt: z.string().nullable(),
})
export type EmbedKeyView = z.infer<typeof embedKeyView>

/** How long the old secret goes on working after a rotation: at most a week, 0 for "now". */
export const rotateInput = z.strictObject({
  overlapSeconds: z
    .number()
    .int()
    .min(0)
    .max(7 * 86_400)
    .default(0),
})
export type RotateInput = z.infer<typeof rotateInput>

export type SiteView = {
  origin: string
  lastSeenAt: string | null
  /** True while the site still shows the line from before the last rotation. */
  hasOldKey: boolean
}
export type RefusalView = { origin: string | null; reason: string; count: number; lastAt: string }

function isFutureDate(text: string): boolean {
  const at = new Date(text)
  return at.getTime() > Date.now() && at.getUTCFullYear() < 3_000
}

/** What an API key may be given: each opens the permissions it lists. */
export const apiKeyScopes = [
  "bots",
  "knowledge",
  "embed-keys",
  "api-keys",
  "conversations",
  "leads",
  "usage",
  "audit",
] as const
export type ApiKeyScope = (typeof apiKeyScopes)[number]

export const createApiKeyInput = z.strictObject({
  name: z.string().trim().min(1, "Give the key a name.").max(60),
  scopes: z
    .array(z.enum(apiKeyScopes))
    .min(1)
    .default([...apiKeyScopes]),
  defaultBotId: z.string().nullable().default(null),
  /** ISO 8601, in the future; null never expires. */
  expiresAt: z.iso
    .datetime({ offset: true })
    .refine((at) => isFutureDate(at), "Choose a date in the future.")
    .nullable()
    .default(null),
})
export type CreateApiKeyInput = z.input<typeof createApiKeyInput>

export const apiKeyView = z.strictObject({
  id: z.string(),
  name: z.string(),
  lastFour: z.string(),
  scopes: z.array(z.string()),
  defaultBotId: z.string().nullable(),
  expiresAt: z.string().nullable(),
  createdAt: z.string(),
  lastUsedAt: z.string().nullable(),
})
export type ApiKeyView = z.infer<typeof apiKeyView>
/** The one answer that carries the secret. */
export const newApiKeyView = apiKeyView.extend({ secret: z.string() })
export type NewApiKeyView = z.infer<typeof newApiKeyView>
