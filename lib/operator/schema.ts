import { z } from "zod"

export const createTenantInput = z.strictObject({
  name: z.string().trim().min(1).max(80),
  ownerEmail: z.string().trim().toLowerCase().pipe(z.email()).optional(),
})
export type CreateTenantInput = z.infer<typeof createTenantInput>

export const updateTenantInput = z.strictObject({ status: z.enum(["active", "suspended"]) })
export type UpdateTenantInput = z.infer<typeof updateTenantInput>
