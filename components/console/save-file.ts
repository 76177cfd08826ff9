/** Saves text as a file on the reader's computer. */
export function saveFile(name: string, text: string, type: "text/csv" | "text/plain"): void {
  // The mark at the start tells Excel that this is UTF-8.
  const blob = new Blob(["\ufeff", text], { type: `${type};charset=utf-8` })
  const url = URL.createObjectURL(blob)
  const link = document.createElement("a")
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}
