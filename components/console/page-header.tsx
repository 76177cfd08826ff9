import type { ReactNode } from "react"

type PageHeaderProps = { title: string; description?: ReactNode; action?: ReactNode }

export function PageHeader({ title, description, action }: PageHeaderProps) {
  return (
    <header className="mb-6 flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
      <div className="min-w-0">
        <h1 className="text-20 font-semibold wrap-anywhere">{title}</h1>
        {description ? <div className="mt-1 max-w-prose text-quiet">{description}</div> : null}
      </div>
      {action ? <div className="flex flex-wrap gap-2">{action}</div> : null}
    </header>
  )
}
