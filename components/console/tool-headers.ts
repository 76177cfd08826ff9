/** Reads `Name: value`, one a line, as people copy them; null when a line is something else. */
export function readHeaderLines(text: string): Record<string, string> | null {
  const headers: Record<string, string> = {}
  for (const line of text.split(/\r?\n/).map((each) => each.trim())) {
    if (line === "") continue
    const [, name, value] = /^([^:\s]+):\s*(.+)$/.exec(line) ?? []
    if (!name || !value) return null
    headers[name] = value
  }
  return headers
}
