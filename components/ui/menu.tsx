"use client"

import Link from "next/link"
import { DropdownMenu } from "radix-ui"
import type { ReactNode } from "react"
import { joinClasses } from "./class-names.ts"
import { Icon, type IconName } from "./icon.tsx"

type MenuProps = { trigger: ReactNode; label: string; children: ReactNode; align?: "start" | "end" }

/**
 * A list of things to do, opened by the button given as `trigger`. Not moved to the end of the page: it
 * stays inside the landmark that its button is in.
 */
export function Menu({ trigger, label, children, align = "end" }: MenuProps) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Content
        aria-label={label}
        align={align}
        sideOffset={6}
        collisionPadding={12}
        className="z-50 max-h-(--radix-dropdown-menu-content-available-height) min-w-52 overflow-y-auto text-start font-normal max-w-[calc(100vw-24px)] animate-appear rounded-card border border-hairline bg-card p-1.5 shadow-raised"
      >
        {children}
      </DropdownMenu.Content>
    </DropdownMenu.Root>
  )
}

const itemClasses = (isDanger: boolean) =>
  joinClasses(
    "flex min-h-9 pointer-coarse:min-h-11 w-full items-center gap-2.5 rounded-control px-2.5 py-1.5 text-14 outline-none",
    "data-[highlighted]:bg-sunken data-[disabled]:opacity-55",
    isDanger && "text-danger",
  )

type ItemProps = { icon?: IconName; isDanger?: boolean; isCurrent?: boolean; children: ReactNode }

export function MenuItem(props: ItemProps & { onSelect: () => void; isDisabled?: boolean }) {
  return (
    <DropdownMenu.Item
      disabled={props.isDisabled ?? false}
      aria-current={props.isCurrent ? "true" : undefined}
      onSelect={props.onSelect}
      className={itemClasses(props.isDanger ?? false)}
    >
      {props.icon ? <Icon name={props.icon} size={18} /> : null}
      <span className="min-w-0 flex-1">{props.children}</span>
      {props.isCurrent ? <Icon name="check" size={16} className="text-action" /> : null}
    </DropdownMenu.Item>
  )
}

export function MenuLink(props: ItemProps & { href: string }) {
  return (
    <DropdownMenu.Item asChild className={itemClasses(props.isDanger ?? false)}>
      <Link href={props.href} aria-current={props.isCurrent ? "true" : undefined}>
        {props.icon ? <Icon name={props.icon} size={18} /> : null}
        <span className="min-w-0 flex-1 truncate">{props.children}</span>
        {props.isCurrent ? <Icon name="check" size={16} className="text-action" /> : null}
      </Link>
    </DropdownMenu.Item>
  )
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return (
    <DropdownMenu.Label className="px-2.5 pt-1.5 pb-1 text-13 text-quiet wrap-anywhere">
      {children}
    </DropdownMenu.Label>
  )
}

export function MenuSeparator() {
  return <DropdownMenu.Separator className="mx-1 my-1.5 h-px bg-hairline" />
}
