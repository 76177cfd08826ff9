import type { ComponentProps, ReactNode } from "react"
import { joinClasses } from "./class-names.ts"

type TableProps = {
  label: string
  head: readonly (string | { label: string; isHidden?: boolean; className?: string })[]
  children: ReactNode
}

/**
 * Rows of things. On a phone the columns that matter less are hidden by the cells' own classes; what
 * is still too wide scrolls inside the table and never moves the page.
 */
export function Table({ label, head, children }: TableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section aria-label={label} tabIndex={0} className="relative overflow-x-auto rounded-[inherit]">
      <table className="w-full border-collapse text-start text-14">
        <caption className="sr-only">{label}</caption>
        <thead>
          <tr className="border-b border-hairline">
            {head.map((column) => {
              const spec = typeof column === "string" ? { label: column } : column
              return (
                <th
                  key={spec.label}
                  scope="col"
                  className={joinClasses(
                    "px-4 py-2.5 text-start text-13 font-medium text-quiet whitespace-nowrap first:ps-5 last:pe-5",
                    spec.className,
                  )}
                >
                  {spec.isHidden ? <span className="sr-only">{spec.label}</span> : spec.label}
                </th>
              )
            })}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  )
}

export function Row({ className, ...rest }: ComponentProps<"tr">) {
  return (
    <tr
      className={joinClasses(
        "border-b border-hairline last:border-b-0 hover:bg-sunken/60",
        className,
      )}
      {...rest}
    />
  )
}

export function Cell({ className, ...rest }: ComponentProps<"td">) {
  return (
    <td
      className={joinClasses("px-4 py-3 align-middle first:ps-5 last:pe-5", className)}
      {...rest}
    />
  )
}
