import type { NextAuthOptions } from "next-auth"
import CredentialsProvider from "next-auth/providers/credentials"
import { env } from "#lib/env.ts"
import { Failure } from "#lib/errors.ts"
import { clientIp } from "#lib/limits/client-ip.ts"
import { endSignIn } from "#lib/tenancy/directory.ts"
import { signIn, signInDays } from "./commands.ts"
import { readDevice } from "./device.ts"
import { describeDevice } from "./device-name.ts"
import { signInInput } from "./schema.ts"

const isHttps = env.APP_URL.startsWith("https://")

/** `__Host-`: this host alone, https alone, no Domain. Plain http on loopback cannot carry the prefix. */
export const sessionCookie = isHttps ? "__Host-coatcheck.session" : "coatcheck.session"

/**
 * The cookie is a signed pointer to a row of sign_ins, nothing more: the data layer reads that row on every
 * request, so signing out and a new password act at once.
 */
export const authOptions: NextAuthOptions = {
  ...(env.AUTH_SECRET ? { secret: env.AUTH_SECRET } : {}),
  session: { strategy: "jwt", maxAge: signInDays * 86_400 },
  pages: { signIn: "/sign-in", error: "/sign-in" },
  useSecureCookies: isHttps,
  cookies: {
    sessionToken: {
      name: sessionCookie,
      options: { httpOnly: true, sameSite: "lax", path: "/", secure: isHttps },
    },
  },
  providers: [
    CredentialsProvider({
      name: "E-mail and password",
      credentials: { email: { type: "email" }, password: { type: "password" } },
      async authorize(credentials, request) {
        const input = signInInput.safeParse(credentials)
        if (!input.success) return null
        try {
          const headers = new Headers(request.headers as HeadersInit)
          const device = readDevice(headers.get("cookie"), input.data.email)
          const deviceName = describeDevice(headers.get("user-agent") ?? undefined)
          const signedIn = await signIn(input.data, clientIp(headers), device, deviceName)
          return signedIn ? { id: signedIn.user.id, signInId: signedIn.signInId } : null
        } catch (error) {
          // next-auth shows the message of an Error as `error`: a code, for the page to put into words.
          throw new Error(error instanceof Failure ? error.code : "internal")
        }
      },
    }),
  ],
  callbacks: {
    jwt({ token, user }) {
      if (!user) return token
      return { sub: user.id, signInId: (user as { signInId?: string }).signInId }
    },
    session({ session, token }) {
      return { expires: session.expires, signInId: token.signInId } as never
    },
  },
  events: {
    async signOut({ token }) {
      if (typeof token?.signInId === "string") await endSignIn(token.signInId)
    },
  },
}
