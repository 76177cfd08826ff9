"use client"

import { Dialog as Primitive } from "radix-ui"
import type { ReactNode } from "react"
import { IconButton } from "./button.tsx"
import { joinClasses } from "./class-names.ts"

type DrawerProps = {
  isOpen: boolean
  onOpenChange: (isOpen: boolean) => void
  title: string
  isTitleHidden?: boolean
  subtitle?: ReactNode
  children: ReactNode
  footer?: ReactNode
  side?: "start" | "end"
}

/** A sheet from the edge of the screen, for reading beside the list it came from. */
export function Drawer(props: DrawerProps) {
  const { isOpen, onOpenChange, title, isTitleHidden, subtitle, children, footer } = props
  const isAtStart = props.side === "start"
  return (
    <Primitive.Root open={isOpen} onOpenChange={onOpenChange}>
      <Primitive.Portal>
        <Primitive.Overlay className="fixed inset-0 z-40 animate-appear bg-overlay" />
        <Primitive.Content
          aria-describedby={undefined}
          className={joinClasses(
            "fixed inset-y-0 z-50 flex w-full flex-col bg-card shadow-raised border-hairline",
            isAtStart
              ? "start-0 max-w-72 border-e animate-slide-start rtl:animate-slide-end"
              : "end-0 max-w-xl border-s animate-slide-end rtl:animate-slide-start",
          )}
        >
          <div className="flex items-start justify-between gap-4 border-b border-hairline px-5 py-4">
            <div className="min-w-0">
              <Primitive.Title
                className={isTitleHidden ? "sr-only" : "text-16 font-semibold wrap-anywhere"}
              >
                {title}
              </Primitive.Title>
              {subtitle ? <div className="mt-0.5 text-13 text-quiet">{subtitle}</div> : null}
            </div>
            <Primitive.Close asChild>
              <IconButton icon="close" label="Close" className="-me-1.5" />
            </Primitive.Close>
          </div>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
          <div tabIndex={0} className="min-h-0 flex-1 overflow-y-auto -outline-offset-2">
            {children}
          </div>
          {footer ? <div className="border-t border-hairline px-5 py-3">{footer}</div> : null}
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  )
}
