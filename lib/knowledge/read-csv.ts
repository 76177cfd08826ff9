import { parse } from "csv-parse/sync"
import { writeTable } from "./table-text.ts"

const maxRows = 50_000

/** Reads comma, semicolon or tab separated rows; each keeps the names of its columns. */
export function readCsv(text: string): string {
  const rows = parse(text, {
    bom: true,
    delimiter: findDelimiter(text),
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    to: maxRows,
    max_record_size: 1_000_000,
  }) as string[][]
  return writeTable(rows)
}

/** The separator that stands most often in the first lines, outside quotes. */
function findDelimiter(text: string): string {
  const head = text.slice(0, 10_000).replace(/"(?:[^"]|"")*"/g, "")
  const count = (mark: string) => head.split(mark).length
  return [",", ";", "\t"].sort((a, b) => count(b) - count(a))[0]!
}
