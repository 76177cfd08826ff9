import type { ComponentProps, ReactNode } from "react"
import { joinClasses } from "./class-names.ts"

const roles = {
  table: { role: "table" },
  group: { role: "rowgroup" },
  row: { role: "row" },
  head: { role: "columnheader" },
  cell: { role: "cell" },
} as const

type Column = { label: string; isHidden?: boolean; align?: "start" | "end"; className?: string }
type TableProps = { label: string; head: readonly (string | Column)[]; children: ReactNode }

/**
 * Rows of things; on a phone each row becomes a small block. The roles are spelled out because a
 * browser forgets that a table is one when its rows are laid out otherwise.
 */
export function Table({ label, head, children }: TableProps) {
  return (
    <table
      {...roles.table}
      aria-label={label}
      className="w-full border-collapse text-14 max-sm:block"
    >
      <thead {...roles.group} className="max-sm:sr-only">
        <tr {...roles.row} className="border-b border-hairline">
          {head.map((column) => {
            const spec: Column = typeof column === "string" ? { label: column } : column
            return (
              <th
                key={spec.label}
                {...roles.head}
                scope="col"
                className={joinClasses(
                  "px-3 py-2.5 text-13 font-medium text-quiet whitespace-nowrap first:ps-5 last:pe-5",
                  spec.align === "end" ? "text-end" : "text-start",
                  spec.className,
                )}
              >
                {spec.isHidden ? <span className="sr-only">{spec.label}</span> : spec.label}
              </th>
            )
          })}
        </tr>
      </thead>
      <tbody {...roles.group} className="max-sm:block">
        {children}
      </tbody>
    </table>
  )
}

export function Row({ className, ...rest }: ComponentProps<"tr">) {
  return (
    <tr
      {...roles.row}
      className={joinClasses(
        "border-b border-hairline last:border-b-0 sm:hover:bg-sunken/60",
        "max-sm:flex max-sm:flex-wrap max-sm:items-center max-sm:gap-x-3 max-sm:gap-y-1 max-sm:px-5 max-sm:py-3.5",
        className,
      )}
      {...rest}
    />
  )
}

const wideOnly = { md: "hidden md:table-cell", lg: "hidden lg:table-cell" } as const

/**
 * `label` repeats the column's name on phones, for figures that say nothing alone; `from` leaves the
 * cell out on screens narrower than that (give its column `max-md:hidden` or `max-lg:hidden`).
 */
export function Cell({ className, label, from, children, ...rest }: CellProps) {
  return (
    <td
      {...roles.cell}
      className={joinClasses(
        "sm:px-3 sm:py-3 sm:first:ps-5 sm:last:pe-5",
        from ? wideOnly[from] : "max-sm:block",
        className,
      )}
      {...rest}
    >
      {label ? (
        <span aria-hidden="true" className="text-13 text-quiet sm:hidden">
          {label}{" "}
        </span>
      ) : null}
      {children}
    </td>
  )
}

type CellProps = ComponentProps<"td"> & { label?: string; from?: keyof typeof wideOnly }
