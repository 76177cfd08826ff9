import { signInRoute } from "#lib/http/sign-in.ts"

export { signInRoute as GET, signInRoute as POST }
