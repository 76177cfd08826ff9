import { z } from "zod"

const color = z.string().regex(/^#[0-9a-f]{6}$/i, "Choose a colour such as #1f6b4f.")
const starters = z.array(z.string().trim().min(1).max(120)).max(4)
const label = z.string().trim().max(30).nullable()
const locale = z
  .string()
  .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, "Choose a language such as en or de-AT.")
  .nullable()

const fields = {
  name: z
    .string()
    .trim()
    .min(1, "Give the bot a name.")
    .max(60, "Keep the name under 60 characters."),
  instructions: z.string().max(4_000, "Keep the instructions under 4,000 characters."),
  greeting: z.string().trim().max(300, "Keep the greeting under 300 characters."),
  color,
  position: z.enum(["left", "right"]),
  label,
  locale,
  starters,
  /** What visitors read when the day's messages or the money are used up; empty: a sentence of ours. */
  limitNote: z.string().trim().max(300, "Keep these words under 300 characters."),
}

export const createBotInput = z.strictObject(fields).partial().required({ name: true })
export type CreateBotInput = z.infer<typeof createBotInput>

export const updateBotInput = z.strictObject({ ...fields, published: z.boolean() }).partial()
export type UpdateBotInput = z.infer<typeof updateBotInput>

export const botView = z.strictObject({
  id: z.string(),
  name: z.string(),
  instructions: z.string(),
  greeting: z.string(),
  color: z.string(),
  position: z.enum(["left", "right"]),
  label: z.string().nullable(),
  locale: z.string().nullable(),
  starters: z.array(z.string()),
  limitNote: z.string(),
  published: z.boolean(),
  createdAt: z.string(),
  updatedAt: z.string(),
})
export type BotView = z.infer<typeof botView>
