import NextAuth from "next-auth"
import { authOptions } from "./options.ts"

/** next-auth's own routes: sign-in, sign-out, CSRF. Its checks are its own; ours stand in authorize(). */
export const handleSignIn = NextAuth(authOptions)
