import { redirect } from "next/navigation"
import { findUser } from "#lib/auth/session.ts"

/** Nobody should have to know an id: the bare address leads to the first business. */
export default async function ConsolePage() {
  const user = await findUser()
  const first = user?.tenants[0]
  redirect(first ? `/console/${first.id}` : "/sign-in")
}
