/** Postgres text cannot hold NUL, and a lone surrogate has no UTF-8 form: both become U+FFFD. */
export function toStorable(text: string): string {
  return text.replaceAll("\u0000", "\ufffd").toWellFormed()
}

/** The beginning of a text, in at most so many bytes of UTF-8; no character is cut in two. */
export function cutBytes(text: string, most: number): string {
  const bytes = Buffer.from(text, "utf8")
  if (bytes.byteLength <= most) return text
  // What `stream` holds back is the beginning of a character whose end was cut off.
  return new TextDecoder().decode(bytes.subarray(0, most), { stream: true })
}
