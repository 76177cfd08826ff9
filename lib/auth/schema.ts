import { z } from "zod"

const email = z
  .string()
  .trim()
  .toLowerCase()
  .pipe(z.email("Enter an e-mail address such as you@example.com.").max(200))
const newPassword = z
  .string()
  .min(10, "Use at least 10 characters.")
  .max(200, "Use at most 200 characters.")

export const signUpInput = z.strictObject({
  name: z.string().trim().min(1, "Enter the name of your business.").max(80),
  email,
  password: newPassword,
})
export type SignUpInput = z.infer<typeof signUpInput>

export const signInInput = z.object({ email, password: z.string().min(1).max(200) })

export const changePasswordInput = z.strictObject({
  currentPassword: z.string().min(1, "Enter your current password.").max(200),
  newPassword,
})
export type ChangePasswordInput = z.infer<typeof changePasswordInput>

export const confirmPasswordInput = z.strictObject({
  password: z.string().min(1, "Enter your password.").max(200),
})
export type ConfirmPasswordInput = z.infer<typeof confirmPasswordInput>

export const endSignInInput = z.strictObject({ signInId: z.string().max(60) })
export type EndSignInInput = z.infer<typeof endSignInInput>

const userId = z.string().max(60)
export const changeRoleInput = z.strictObject({
  userId,
  role: z.enum(["owner", "admin", "member", "viewer"]),
})
export type ChangeRoleInput = z.infer<typeof changeRoleInput>

export const removeMemberInput = z.strictObject({ userId })
export type RemoveMemberInput = z.infer<typeof removeMemberInput>
