import { redirect } from "next/navigation"
import { requireUser } from "#lib/auth/session.ts"

/** Nobody should have to know an id: the bare address leads to the first business. */
export default async function ConsolePage() {
  const { tenants } = await requireUser()
  const [first] = tenants
  redirect(first ? `/console/${first.id}` : "/sign-up")
}
