import { z } from "zod"
import { botCheckProof } from "#lib/bot-check/schema.ts"

export const ticketInput = z.object({
  key: z.unknown(),
  botId: z.string().max(60).optional(),
})

const pageInput = z.object({
  url: z.string().max(2_000).optional().catch(undefined),
  title: z.string().max(300).optional().catch(undefined),
  language: z.string().max(35).optional().catch(undefined),
})

export const sessionInput = z.object({
  ticket: z.string().min(1).max(4_000),
  visitorSecret: z.string().max(200).optional(),
  /** What is no proof counts as none. */
  botCheck: botCheckProof.optional().catch(undefined),
  page: pageInput.optional(),
})
export type SessionInput = z.infer<typeof sessionInput>

/** What anyone may see of a live key: enough to draw the launcher. */
export const lookView = z.union([
  z.strictObject({ enabled: z.literal(false) }),
  z.strictObject({
    enabled: z.literal(true),
    name: z.string(),
    color: z.string(),
    position: z.enum(["left", "right"]),
    label: z.string().nullable(),
    greeting: z.string(),
    locale: z.string().nullable(),
  }),
])
export type LookView = z.infer<typeof lookView>
