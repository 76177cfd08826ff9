/**
 * Text as it may be stored, shown and sent to a model: well-formed Unicode without NULs, control
 * characters, invisible tag characters (they smuggle instructions past human eyes) and direction
 * overrides (they make text read otherwise than it is).
 */
export function cleanText(text: string): string {
  return (
    text
      .toWellFormed()
      .normalize("NFC")
      .replace(/\r\n?|\u2028|\u2029|\u0085/g, "\n")
      .replace(/\f/g, "\n\n")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
      .replace(/[\u0000-\u0008\u000b\u000e-\u001f\u007f-\u009f]/g, "")
      .replace(/[\u202a-\u202e\u2060-\u2064\u206a-\u206f\ufeff\u{e0000}-\u{e007f}]/gu, "")
      // Where words are written without spaces it says where they end; elsewhere it only hides.
      .replace(/(?<![\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}])\u200b/gu, "")
      .replace(/[ \t\u00a0]+\n/g, "\n")
      .replace(/\n{4,}/g, "\n\n\n")
      .trim()
  )
}

/** A title or file name for display: one line, no control or direction characters, bounded. */
export function cleanTitle(text: string, maxChars = 200): string {
  const line = cleanText(text)
    .replace(/[\u2066-\u2069\u200e\u200f]/g, "")
    .replace(/\s+/g, " ")
    .trim()
  return line.length <= maxChars ? line : `${line.slice(0, maxChars - 1).toWellFormed()}…`
}
