import { z } from "zod"

export const createLeadInput = z
  .strictObject({
    name: z.string().trim().min(1, "Enter your name.").max(120),
    email: z.email("Enter an e-mail address.").max(200).optional(),
    phone: z
      .string()
      .trim()
      .regex(/^[+\d][\d\s()./-]{4,38}$/, "Enter a phone number.")
      .optional(),
    message: z.string().trim().max(2_000).default(""),
  })
  .refine((lead) => lead.email || lead.phone, {
    path: ["email"],
    message: "Leave an e-mail address or a phone number.",
  })
export type CreateLeadInput = z.infer<typeof createLeadInput>

export const updateLeadInput = z.strictObject({ status: z.enum(["new", "done"]) })

export const leadView = z.strictObject({
  id: z.string(),
  botId: z.string(),
  conversationId: z.string().nullable(),
  name: z.string(),
  email: z.string().nullable(),
  phone: z.string().nullable(),
  message: z.string(),
  status: z.enum(["new", "done"]),
  createdAt: z.string(),
})
export type LeadView = z.infer<typeof leadView>
