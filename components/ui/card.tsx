import type { ReactNode } from "react"
import { joinClasses } from "./class-names.ts"

type CardProps = {
  title?: string
  description?: ReactNode
  /** A button or link at the end of the heading. */
  action?: ReactNode
  children?: ReactNode
  className?: string
  isFlush?: boolean
}

/** A white sheet on the paper. With a title it is a section that can be reached by its heading. */
export function Card({ title, description, action, children, className, isFlush }: CardProps) {
  return (
    <section
      className={joinClasses("rounded-card border border-hairline bg-card", className)}
      {...(title ? { "aria-label": title } : {})}
    >
      {title ? (
        <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2 px-5 pt-4">
          <div className="min-w-0">
            <h2 className="text-16 font-semibold">{title}</h2>
            {description ? (
              <div className="mt-0.5 max-w-prose text-14 text-quiet">{description}</div>
            ) : null}
          </div>
          {action}
        </div>
      ) : null}
      {children ? <div className={isFlush ? (title ? "pt-3" : "") : "p-5"}>{children}</div> : null}
    </section>
  )
}
