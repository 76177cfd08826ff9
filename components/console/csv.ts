/**
 * Rows as CSV (RFC 4180). What a spreadsheet would run as a formula gets an apostrophe before it, also after
 * the separators of other countries' spreadsheets: leads are typed by strangers.
 */
export function toCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => row.map(toCell).join(",")).join("\r\n")
}

function toCell(value: string): string {
  const led = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  const safe = led.replace(/([;\n])(\s*)([=+\-@])/g, "$1$2'$3")
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
