"use client"

import { signOut } from "next-auth/react"
import { joinClasses } from "#components/ui/class-names.ts"
import { Icon } from "#components/ui/icon.tsx"
import { Menu, MenuItem, MenuLabel, MenuLink, MenuSeparator } from "#components/ui/menu.tsx"
import { useConsole } from "./console-context.tsx"
import { routes } from "./routes.ts"

export type Account = {
  name: string
  email: string
  business: string
  businesses: readonly { id: string; name: string }[]
}

/** Who is signed in, for which business, and the way out. */
export function AccountMenu({ account, className }: { account: Account; className?: string }) {
  const { tenantId } = useConsole()
  return (
    <Menu
      label="Account"
      align="start"
      trigger={
        <button
          type="button"
          className={joinClasses(
            "flex w-full min-h-11 items-center gap-2.5 rounded-control px-2.5 py-1.5 text-start transition-colors hover:bg-sunken",
            className,
          )}
        >
          <span
            aria-hidden="true"
            className="inline-flex size-7 shrink-0 items-center justify-center rounded-tag bg-brass text-13 font-semibold text-on-brass"
          >
            {(account.business.trim()[0] ?? "?").toUpperCase()}
          </span>
          <span className="min-w-0 flex-1">
            <span className="block truncate text-14 font-medium">{account.business}</span>
            <span className="block truncate text-13 text-quiet">{account.email}</span>
          </span>
          <Icon name="chevron" size={16} className="text-quiet" />
        </button>
      }
    >
      {account.businesses.length > 1 ? (
        <>
          <MenuLabel>Switch business</MenuLabel>
          {account.businesses.map((business) => (
            <MenuLink
              key={business.id}
              href={routes.home(business.id)}
              isCurrent={business.id === tenantId}
            >
              {business.name}
            </MenuLink>
          ))}
          <MenuSeparator />
        </>
      ) : null}
      <MenuLabel>{account.email}</MenuLabel>
      <MenuLink href={routes.settings(tenantId)} icon="gear">
        Settings and password
      </MenuLink>
      <MenuItem icon="arrow" onSelect={() => void signOut({ callbackUrl: "/" })}>
        Sign out
      </MenuItem>
    </Menu>
  )
}
