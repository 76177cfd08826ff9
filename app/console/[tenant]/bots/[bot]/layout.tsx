import type { Metadata } from "next"
import type { ReactNode } from "react"
import { routes } from "#components/console/routes.ts"
import { Badge } from "#components/ui/badge.tsx"
import { LinkTabs } from "#components/ui/tabs.tsx"
import { requireMember } from "#lib/auth/session.ts"
import { getBot } from "#lib/bots/queries.ts"
import { orNotFound } from "../../../or-not-found.ts"

type Props = { children: ReactNode; params: Promise<{ tenant: string; bot: string }> }

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { tenant, bot: botId } = await params
  const { scope } = await requireMember(tenant)
  const bot = await orNotFound(getBot(scope, botId))
  return { title: { default: bot.name, template: `%s · ${bot.name} · Coatcheck` } }
}

export default async function BotLayout({ children, params }: Props) {
  const { tenant: tenantId, bot: botId } = await params
  const { scope } = await requireMember(tenantId)
  const bot = await orNotFound(getBot(scope, botId))
  const base = routes.bot(tenantId, botId)
  return (
    <>
      <div className="mb-3 flex flex-wrap items-center gap-3">
        <h1 className="min-w-0 text-20 font-semibold wrap-anywhere">{bot.name}</h1>
        {bot.published ? (
          <Badge tone="good" hasDot>
            Published
          </Badge>
        ) : (
          <Badge>Not published</Badge>
        )}
      </div>
      <LinkTabs
        label={bot.name}
        base={base}
        tabs={[
          { href: base, label: "Overview" },
          { href: routes.conversations(tenantId, botId), label: "Conversations" },
          { href: routes.knowledge(tenantId, botId), label: "Knowledge" },
          { href: routes.playground(tenantId, botId), label: "Playground" },
          { href: routes.embed(tenantId, botId), label: "Embed" },
          { href: routes.quality(tenantId, botId), label: "Quality" },
          { href: routes.tools(tenantId, botId), label: "Tools" },
          { href: routes.botSettings(tenantId, botId), label: "Settings" },
        ]}
      />
      <div className="pt-6">{children}</div>
    </>
  )
}
