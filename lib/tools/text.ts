import { cutBytes } from "#lib/text.ts"

// What another server says, before a model, an owner or a visitor reads it.

/** Text without what people cannot see: control characters, direction marks, tag characters. */
export function readableText(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\P{Cc}\n\t]/gu, " ")
    .replace(/[\p{Cf}\p{VS}\p{Zl}\p{Zp}]/gu, "")
}

/** The same without our own headers, should that server repeat them. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  let kept = readableText(text)
  for (const secret of secrets) {
    for (const part of [secret, ...secret.split(/\s+/)])
      if (part.length >= 6) kept = kept.replaceAll(part, "[removed]")
  }
  return kept
}

/** The beginning of a text, and a mark that there was more. */
export function shorten(text: string, most: number): string {
  if (Buffer.byteLength(text) <= most) return text
  const mark = " […]"
  return cutBytes(text, most - Buffer.byteLength(mark)) + mark
}
