"use client"

import Link from "next/link"
import { usePathname } from "next/navigation"
import { Tabs as Primitive } from "radix-ui"
import { type ReactNode, useEffect, useRef } from "react"
import { joinClasses } from "./class-names.ts"

const tabClasses = (isCurrent: boolean) =>
  joinClasses(
    "relative inline-flex min-h-10 pointer-coarse:min-h-11 items-center whitespace-nowrap px-1 text-14 font-medium transition-colors",
    "after:absolute after:inset-x-0 after:-bottom-px after:h-0.5 after:rounded-full",
    isCurrent ? "text-ink after:bg-action" : "text-quiet hover:text-ink",
  )

const rowClasses =
  "flex gap-5 overflow-x-auto overflow-y-hidden border-b border-hairline [scrollbar-width:none]"

type LinkTabsProps = {
  label: string
  tabs: readonly { href: string; label: string }[]
  base: string
}

/** Tabs that are pages: each has an address, and Back works. */
export function LinkTabs({ label, tabs, base }: LinkTabsProps) {
  const pathname = usePathname()
  const row = useRef<HTMLElement>(null)
  // On a phone the row is wider than the screen: bring the current tab into it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs again for each address
  useEffect(() => {
    const current = row.current?.querySelector<HTMLElement>("[aria-current]")
    if (row.current && current) row.current.scrollLeft = current.offsetLeft - 48
  }, [pathname])
  return (
    <nav ref={row} aria-label={label} className={joinClasses("relative", rowClasses)}>
      {tabs.map((tab) => {
        const isCurrent =
          tab.href === base
            ? pathname === base
            : pathname === tab.href || pathname.startsWith(`${tab.href}/`)
        return (
          <Link
            key={tab.href}
            href={tab.href}
            aria-current={isCurrent ? "page" : undefined}
            className={tabClasses(isCurrent)}
          >
            {tab.label}
          </Link>
        )
      })}
    </nav>
  )
}

type TabsProps = {
  label: string
  tabs: readonly { value: string; label: string; content: ReactNode }[]
  value?: string
  onValueChange?: (value: string) => void
}

/** Tabs inside one page, with arrow keys. */
export function Tabs({ label, tabs, value, onValueChange }: TabsProps) {
  const control = value === undefined ? { defaultValue: tabs[0]?.value ?? "" } : { value }
  return (
    <Primitive.Root {...control} {...(onValueChange ? { onValueChange } : {})}>
      <Primitive.List aria-label={label} className={rowClasses}>
        {tabs.map((tab) => (
          <Primitive.Trigger
            key={tab.value}
            value={tab.value}
            className={joinClasses(
              tabClasses(false),
              "data-[state=active]:text-ink data-[state=active]:after:bg-action",
            )}
          >
            {tab.label}
          </Primitive.Trigger>
        ))}
      </Primitive.List>
      {tabs.map((tab) => (
        <Primitive.Content key={tab.value} value={tab.value} className="pt-4">
          {tab.content}
        </Primitive.Content>
      ))}
    </Primitive.Root>
  )
}
