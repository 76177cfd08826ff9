/**
 * Which addresses an answer may link to: http(s), without user info, on an allowed origin or exactly
 * a cited page. Everything else stays text, so that an injected answer can lead nobody astray.
 */
export function linkResolver(
  origins: readonly string[],
  pages: readonly (string | null)[],
): (url: string) => string | null {
  const allowed = new Set(pages.map((page) => toHref(page ?? "")).filter((href) => href !== null))
  return (url) => {
    const href = toHref(url)
    if (!href) return null
    return allowed.has(href) || origins.includes(new URL(href).origin) ? href : null
  }
}

/** A normalised http(s) address, or null. */
export function toHref(address: string): string | null {
  if (!/^https?:\/\//i.test(address) || !URL.canParse(address)) return null
  const url = new URL(address)
  return url.username || url.password ? null : url.href
}
