import { handleSignIn } from "#lib/auth/handler.ts"

export { handleSignIn as GET, handleSignIn as POST }
