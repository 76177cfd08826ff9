import type { ReactNode } from "react"
import { TagMark } from "./tag.tsx"

type EmptyStateProps = {
  title: string
  children?: ReactNode
  action?: ReactNode
  number?: string
  /** Where it is all the page has. */
  isPage?: boolean
}

/** Nothing here yet: what will be here, and the one thing that brings it. */
export function EmptyState({ title, children, action, number = "0", isPage }: EmptyStateProps) {
  const Heading = isPage ? "h1" : "h2"
  return (
    <div className="flex flex-col items-center px-6 py-12 text-center">
      <TagMark look="outline" height={64} number={number} className="mb-4 -rotate-6" />
      <Heading className="text-16 font-semibold">{title}</Heading>
      {children ? <div className="mt-1 max-w-sm text-14 text-quiet">{children}</div> : null}
      {action ? <div className="mt-5 flex flex-wrap justify-center gap-2">{action}</div> : null}
    </div>
  )
}
