/** Every word of the query must begin a word of the entry, in any order. */
export function isMatch(entry: string, query: string): boolean {
  const words = entry.toLocaleLowerCase().split(/[\s·]+/)
  return query
    .toLocaleLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .every((part) => words.some((word) => word.startsWith(part)))
}
