/**
 * Rows as CSV (RFC 4180). Cells that a spreadsheet would run as a formula get a leading apostrophe:
 * leads are typed by strangers.
 */
export function toCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => row.map(toCell).join(",")).join("\r\n")
}

function toCell(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
