/** What the owner typed, read as a website: an address to allow, or a sentence and maybe a better try. */
export type WebsiteReading =
  | { ok: true; address: string; needsTestTag: boolean }
  | { ok: false; message: string; suggestion?: string }

const loopback = /^(localhost|127\.0\.0\.1|\[::1\]|.+\.localhost)$/

/**
 * Reads what people type into "Allowed websites": adds the missing https://, notices a page address
 * where a website is wanted, and knows that a website on one's own computer needs a test tag. The
 * server has the last word; this only makes its answers rarer.
 */
export function readWebsite(typed: string): WebsiteReading {
  const text = typed.trim()
  if (text === "") return { ok: false, message: "Type the address of your website." }
  if (/\s/.test(text)) return { ok: false, message: "An address has no spaces. Add one at a time." }
  const hasScheme = /^[a-z][a-z\d+.-]*:\/\//i.test(text)
  const isLocal = /^(localhost|127\.0\.0\.1|[\w-]+\.localhost)(:|\/|$)/i.test(text)
  const full = hasScheme ? text : `${isLocal ? "http" : "https"}://${text}`
  const isWildcard = /^https?:\/\/\*\./i.test(full)
  const parseable = full.replace("://*.", "://")
  if (!URL.canParse(parseable)) {
    return { ok: false, message: "This doesn’t look like a website. Try https://www.example.com." }
  }
  const url = new URL(parseable)
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return { ok: false, message: "Only web addresses can be allowed: they begin with https://." }
  }
  if (!url.hostname.includes(".") && !loopback.test(url.hostname)) {
    return { ok: false, message: "An ending is missing, such as .com." }
  }
  const needsTestTag = loopback.test(url.hostname)
  const address = isWildcard ? url.origin.replace("://", "://*.") : url.origin
  const secure = needsTestTag ? address : address.replace("http://", "https://")
  if (url.username || url.password) {
    return { ok: false, message: "Leave out the name and password.", suggestion: secure }
  }
  if (url.pathname !== "/" || url.search || url.hash) {
    return {
      ok: false,
      message: "That is the address of one page. Allow the whole website instead.",
      suggestion: secure,
    }
  }
  if (url.protocol === "http:" && !needsTestTag) {
    return {
      ok: false,
      message: "Visitors need a secure connection: use https.",
      suggestion: secure,
    }
  }
  return { ok: true, address, needsTestTag }
}
