import { z } from "zod"

export const usageDay = z.strictObject({
  date: z.string(),
  botId: z.string(),
  messages: z.number().int(),
  inputTokens: z.number().int(),
  outputTokens: z.number().int(),
  /** In minor units of the deployment's currency, rounded up. */
  costMinor: z.number().int(),
})
export type UsageDay = z.infer<typeof usageDay>

export const usageView = z.strictObject({ days: z.array(usageDay) })

/** In minor units of the deployment's currency, each figure rounded up by itself. */
export type CostView = {
  totalMinor: number
  days: { date: string; costMinor: number }[]
  bots: { botId: string; costMinor: number }[]
}
