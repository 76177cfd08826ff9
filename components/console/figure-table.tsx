import type { ReactNode } from "react"
import { Cell, Row, Table } from "#components/ui/table.tsx"

/** On a phone, where figures stand beside each other, `short` takes the place of the column's name. */
type FigureColumn = { label: string; short?: string }
type FigureTableProps = {
  label: string
  /** What each row is. */
  subject: string
  columns: readonly FigureColumn[]
  rows: readonly { id: string; name: ReactNode; figures: readonly string[] }[]
}

/** A name and its figures in each row. */
export function FigureTable({ label, subject, columns, rows }: FigureTableProps) {
  const head = columns.map((column) => ({ label: column.label, align: "end" as const }))
  return (
    <Table label={label} head={[subject, ...head]}>
      {rows.map(({ id, name, figures }) => (
        <Row key={id}>
          <Cell className="wrap-anywhere max-sm:basis-full sm:min-w-32">{name}</Cell>
          {columns.map((column, at) => (
            <Cell
              key={column.label}
              label={column.short ?? column.label}
              className="tabular-nums sm:text-end"
            >
              {figures[at]}
            </Cell>
          ))}
        </Row>
      ))}
    </Table>
  )
}
