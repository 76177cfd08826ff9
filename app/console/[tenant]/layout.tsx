import type { Metadata } from "next"
import type { ReactNode } from "react"
import { Shell } from "#components/console/shell.tsx"
import { sortBots } from "#components/console/sort-bots.ts"
import { requireMember } from "#lib/auth/session.ts"
import { listBots } from "#lib/bots/queries.ts"
import { env } from "#lib/env.ts"
import { confirmPassword } from "./actions.ts"

export const metadata: Metadata = { title: { default: "Bots", template: "%s · Coatcheck" } }

type Props = { children: ReactNode; params: Promise<{ tenant: string }> }

export default async function ConsoleLayout({ children, params }: Props) {
  const { tenant: tenantId } = await params
  const { scope, user, tenant, tenants } = await requireMember(tenantId)
  const { data: bots } = await listBots(scope, { limit: 200 })
  return (
    <Shell
      facts={{
        tenantId,
        permissions: [...scope.permissions],
        widgetUrl: env.WIDGET_URL,
      }}
      bots={sortBots(bots).map(({ id, name, published }) => ({ id, name, published }))}
      account={{
        name: user.name,
        email: user.email,
        business: tenant.name,
        businesses: tenants.map(({ id, name }) => ({ id, name })),
      }}
      confirmPassword={confirmPassword}
    >
      {children}
    </Shell>
  )
}
