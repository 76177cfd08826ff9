"use client"

import Link from "next/link"
import { usePathname } from "next/navigation"
import { joinClasses } from "#components/ui/class-names.ts"
import { useConsole } from "./console-context.tsx"
import { routes } from "./routes.ts"

/** The two halves of quality: what it should answer, and what it could not. Each has an address. */
export function QualityTabs({ botId, gapCount }: { botId: string; gapCount: number }) {
  const { tenantId } = useConsole()
  const pathname = usePathname()
  const tabs = [
    { href: routes.quality(tenantId, botId), label: "Golden questions" },
    { href: routes.gaps(tenantId, botId), label: gapCount > 0 ? `Gaps (${gapCount})` : "Gaps" },
  ]
  return (
    <nav aria-label="Quality" className="mb-5 flex gap-1">
      {tabs.map(({ href, label }) => (
        <Link
          key={href}
          href={href}
          aria-current={pathname === href ? "page" : undefined}
          className={joinClasses(
            "inline-flex min-h-9 pointer-coarse:min-h-11 items-center rounded-control px-3 text-14 font-medium transition-colors",
            pathname === href ? "bg-sunken text-ink" : "text-quiet hover:text-ink",
          )}
        >
          {label}
        </Link>
      ))}
    </nav>
  )
}
