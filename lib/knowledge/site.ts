import { crawlLimits } from "./quotas.ts"

const trackers =
  /^(?:utm_\w+|gclid|fbclid|msclkid|mc_[ce]id|_ga|_gl|ref|phpsessid|jsessionid|sid|sessionid|session_id|s?essid|cfid|cftoken)$/i
/** What no text is in: pictures, films, archives, programs, styles. */
const unreadable =
  /\.(?:png|jpe?g|gif|webp|avif|svg|ico|bmp|tiff?|mp[34]|m4[av]|mov|avi|webm|ogg|wav|zip|gz|tgz|rar|7z|exe|dmg|apk|css|m?js|map|json|xml|rss|atom|woff2?|ttf|eot|ics)$/i
const maxUrlChars = 500
const maxSegments = 12

/** An address as it is kept: without fragment, trackers, session ids and a default file name's noise. */
export function normalizeUrl(text: string): string | null {
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  if (url.protocol !== "http:" && url.protocol !== "https:") return null
  url.hash = ""
  url.username = ""
  url.password = ""
  url.pathname = url.pathname.replace(/;(?:jsessionid|phpsessid)=[^/]*/gi, "")
  for (const name of [...url.searchParams.keys()])
    if (trackers.test(name)) url.searchParams.delete(name)
  return url.href
}

/** The same site: the same host and port, with or without "www." and encryption. */
export function isSameSite(url: string, home: string): boolean {
  const bare = (text: string) => {
    const { hostname, port } = new URL(text)
    return `${hostname.replace(/^www\./, "").replace(/\.$/, "")}:${port}`
  }
  return URL.canParse(url) && bare(url) === bare(home)
}

/** Whether a link of a page is worth following: on the site, readable, and no trap. */
export function isWorthReading(url: string, home: string): boolean {
  if (url.length > maxUrlChars || !isSameSite(url, home)) return false
  const { pathname } = new URL(url)
  if (unreadable.test(pathname)) return false
  const segments = pathname.split("/").filter(Boolean)
  return segments.length <= maxSegments && !isRepeating(segments)
}

/** `/a/a/a` and `/a/b/a/b/a/b` are what broken relative links grow into. */
function isRepeating(segments: string[]): boolean {
  const counts = new Map<string, number>()
  for (const segment of segments) counts.set(segment, (counts.get(segment) ?? 0) + 1)
  return [...counts.values()].some((count) => count > 2)
}

/** Two orders of one query are one page. */
function orderQuery(address: string): string {
  if (!address.includes("&") || !URL.canParse(address)) return address
  const url = new URL(address)
  url.searchParams.sort()
  return url.href
}

/** Whether an address is one of these paths or below it: "/blog" is not above "/blogger". */
export function isUnderPath(url: string, paths: readonly string[]): boolean {
  const { pathname } = new URL(url)
  return paths.some((path) => {
    const bare = path.replace(/\/+$/, "")
    return pathname === bare || pathname.startsWith(`${bare}/`)
  })
}

/**
 * The addresses to take up, of those a page links to: normalized, each once, worth reading, not known
 * yet, and of a path with many queries the first few.
 */
export function chooseLinks(
  links: string[],
  { home, known }: { home: string; known: string[] },
): string[] {
  const taken = new Set(known.map(orderQuery))
  const perPath = new Map<string, number>()
  const path = (url: string) => url.split("?")[0]!
  for (const url of known) perPath.set(path(url), (perPath.get(path(url)) ?? 0) + 1)
  const chosen: string[] = []
  for (const link of links) {
    const url = normalizeUrl(link)
    if (!url || taken.has(orderQuery(url)) || !isWorthReading(url, home)) continue
    const count = perPath.get(path(url)) ?? 0
    if (count >= crawlLimits.queriesPerPath) continue
    perPath.set(path(url), count + 1)
    taken.add(orderQuery(url))
    chosen.push(url)
  }
  return chosen
}
