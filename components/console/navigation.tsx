"use client"

import Link from "next/link"
import { usePathname } from "next/navigation"
import { joinClasses } from "#components/ui/class-names.ts"
import { Icon, type IconName } from "#components/ui/icon.tsx"
import { useConsole } from "./console-context.tsx"
import { routes } from "./routes.ts"

export type BotEntry = { id: string; name: string; published: boolean }

export const businessPages: readonly {
  label: string
  icon: IconName
  permission: string
  href: (tenantId: string) => string
}[] = [
  { label: "Leads", icon: "phone", permission: "leads.read", href: routes.leads },
  { label: "Usage", icon: "chart", permission: "usage.read", href: routes.usage },
  { label: "Team", icon: "people", permission: "members.read", href: routes.team },
  { label: "API keys", icon: "key", permission: "apiKeys.read", href: routes.apiKeys },
  { label: "Audit", icon: "history", permission: "audit.read", href: routes.audit },
  { label: "Settings", icon: "gear", permission: "bots.read", href: routes.settings },
]

const linkClasses = (isCurrent: boolean) =>
  joinClasses(
    "flex min-h-9 pointer-coarse:min-h-11 items-center gap-2.5 rounded-control px-2.5 py-1.5 text-14 transition-colors",
    isCurrent ? "bg-card font-medium text-ink ring-1 ring-hairline" : "text-ink hover:bg-sunken",
  )

/** Bots with their state, then what concerns the whole business. */
export function Navigation({ bots, onNavigate }: { bots: BotEntry[]; onNavigate?: () => void }) {
  const { tenantId, permissions } = useConsole()
  const pathname = usePathname()
  return (
    <nav aria-label="Console" className="flex flex-col gap-6">
      <div>
        <div className="mb-1 flex items-center justify-between ps-2.5">
          <h2 className="text-13 font-medium text-quiet">
            <Link href={routes.home(tenantId)} onClick={onNavigate} className="hover:text-ink">
              Bots
            </Link>
          </h2>
          {permissions.includes("bots.write") ? (
            <Link
              href={`${routes.home(tenantId)}?new=bot`}
              onClick={onNavigate}
              aria-label="New bot"
              title="New bot"
              className="inline-flex size-8 pointer-coarse:size-11 items-center justify-center rounded-control text-quiet hover:bg-sunken hover:text-ink"
            >
              <Icon name="plus" size={18} />
            </Link>
          ) : null}
        </div>
        <ul className="flex flex-col gap-0.5">
          {bots.map((bot) => {
            const href = routes.bot(tenantId, bot.id)
            const isCurrent = pathname === href || pathname.startsWith(`${href}/`)
            return (
              <li key={bot.id}>
                <Link
                  href={href}
                  onClick={onNavigate}
                  aria-current={isCurrent ? "true" : undefined}
                  className={linkClasses(isCurrent)}
                >
                  <span
                    aria-hidden="true"
                    className={joinClasses(
                      "size-2 shrink-0 rounded-full",
                      bot.published ? "bg-action" : "border border-edge",
                    )}
                  />
                  <span className="min-w-0 flex-1 truncate">{bot.name}</span>
                  <span className={bot.published ? "sr-only" : "text-13 text-quiet"}>
                    {bot.published ? "on" : "off"}
                  </span>
                </Link>
              </li>
            )
          })}
        </ul>
      </div>
      <div>
        <h2 className="mb-1 px-2.5 text-13 font-medium text-quiet">Business</h2>
        <ul className="flex flex-col gap-0.5">
          {businessPages
            .filter((page) => permissions.includes(page.permission))
            .map((page) => {
              const href = page.href(tenantId)
              const isCurrent = pathname === href || pathname.startsWith(`${href}/`)
              return (
                <li key={href}>
                  <Link
                    href={href}
                    onClick={onNavigate}
                    aria-current={isCurrent ? "page" : undefined}
                    className={linkClasses(isCurrent)}
                  >
                    <Icon name={page.icon} size={18} className="text-quiet" />
                    {page.label}
                  </Link>
                </li>
              )
            })}
        </ul>
      </div>
    </nav>
  )
}
