import Link from "next/link"
import type { ReactNode } from "react"

export type Figure = { label: string; value: string; note?: ReactNode; href?: string }

/** A few numbers side by side, each with its meaning below. */
export function FigureRow({ figures }: { figures: readonly Figure[] }) {
  return (
    <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-card border border-hairline bg-hairline bg-clip-padding lg:grid-cols-4">
      {figures.map((figure) => (
        <div key={figure.label} className="flex flex-col bg-card px-5 py-4">
          <dt className="text-13 text-quiet">{figure.label}</dt>
          <dd className="mt-1 text-28 font-semibold tabular-nums">
            {figure.href ? (
              <Link href={figure.href} className="hover:underline underline-offset-4">
                {figure.value}
              </Link>
            ) : (
              figure.value
            )}
          </dd>
          {figure.note ? <dd className="mt-1 text-13 text-quiet">{figure.note}</dd> : null}
        </div>
      ))}
    </dl>
  )
}
