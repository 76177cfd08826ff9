"use client"

import { Dialog as Primitive } from "radix-ui"
import type { ReactNode } from "react"
import { IconButton } from "./button.tsx"
import { joinClasses } from "./class-names.ts"

type DialogProps = {
  isOpen: boolean
  onOpenChange: (isOpen: boolean) => void
  title: string
  description?: ReactNode
  children?: ReactNode
  /** Buttons, the main one last. */
  footer?: ReactNode
  width?: "narrow" | "wide"
}

/** A question in the middle of the screen. Escape and the backdrop close it; focus comes back. */
export function Dialog(props: DialogProps) {
  const { isOpen, onOpenChange, title, description, children, footer, width = "narrow" } = props
  return (
    <Primitive.Root open={isOpen} onOpenChange={onOpenChange}>
      <Primitive.Portal>
        {/* As high as the dialogs and drawers it may open over; the later one lies on top. */}
        <Primitive.Overlay className="fixed inset-0 z-50 animate-appear bg-overlay" />
        <Primitive.Content
          {...(description ? {} : { "aria-describedby": undefined })}
          className={joinClasses(
            "fixed inset-x-4 top-1/2 z-50 mx-auto max-h-[calc(100dvh-2rem)] -translate-y-1/2 overflow-y-auto rounded-card border border-hairline bg-card p-5 shadow-raised animate-appear",
            width === "wide" ? "max-w-2xl" : "max-w-md",
          )}
        >
          <Primitive.Title className="pe-10 text-20 font-semibold">{title}</Primitive.Title>
          {description ? (
            <Primitive.Description asChild>
              <div className="mt-2 text-14 text-quiet">{description}</div>
            </Primitive.Description>
          ) : null}
          {children ? <div className="mt-4">{children}</div> : null}
          {footer ? <div className="mt-5 flex flex-wrap justify-end gap-2">{footer}</div> : null}
          {/* Last, so that the keyboard starts at the first field and not here. */}
          <Primitive.Close asChild>
            <IconButton icon="close" label="Close" className="absolute end-3.5 top-4" />
          </Primitive.Close>
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  )
}
