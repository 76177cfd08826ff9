"use server"

import { signUp as createAccount } from "#lib/auth/commands.ts"
import { signUpInput } from "#lib/auth/schema.ts"
import { publicAction } from "#lib/http/action.ts"

export const signUp = publicAction({
  input: signUpInput,
  handle: ({ input, ip }) => createAccount(input, ip),
})
