import { z } from "zod"

export const modelProviders = ["openai", "anthropic", "openai-compatible"] as const
export type ModelProvider = (typeof modelProviders)[number]

/** Minor units for a million tokens, as a decimal. 0 is a price, and nothing is none. */
const price = z
  .string()
  .trim()
  .regex(/^\d{1,9}(\.\d{1,3})?$/, "Enter what a million tokens cost; 0 when they cost nothing.")

const url = z
  .string()
  .trim()
  .max(500)
  .refine((text) => !/[?#]/.test(text), "Give the address without ? and #.")
  .transform((text) => text.replace(/\/+$/, ""))

export const saveModelInput = z.strictObject({
  provider: z.enum(modelProviders),
  /** Empty: the provider's own address. */
  url,
  name: z.string().trim().min(1, "Enter the model's name.").max(120),
  /** Left out, the stored key stays, and only while provider and address do. */
  apiKey: z
    .string()
    .trim()
    .min(8, "Enter the provider's key.")
    .max(500)
    .regex(/^[\x21-\x7e]+$/, "A key has no spaces in it.")
    .optional(),
  inputPrice: price,
  cachedPrice: price,
  outputPrice: price,
})
export type SaveModelInput = z.input<typeof saveModelInput>

export type TenantModelView = {
  provider: ModelProvider
  url: string
  name: string
  lastFour: string
  inputPrice: string
  cachedPrice: string
  outputPrice: string
  updatedAt: string
}
