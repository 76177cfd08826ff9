import { gunzipSync } from "node:zlib"
import robotsParser from "robots-parser"
import type { fetchOutbound } from "#lib/outbound/fetch.ts"
import { crawlLimits } from "./quotas.ts"
import { isSameSite, normalizeUrl } from "./site.ts"

export type Fetch = typeof fetchOutbound

/** The name that robots.txt addresses us by. */
const robotName = "Coatcheck"

/**
 * A site's robots.txt: its text, or "" where there is none. Null while the site cannot say (RFC 9309,
 * 2.3.1.4: then nothing may be read). Throws what `get` throws.
 */
export async function fetchRobots(
  get: Fetch,
  url: string,
  signal?: AbortSignal,
): Promise<string | null> {
  const { status, body } = await get(new URL("/robots.txt", url).href, {
    allowsHttp: true,
    maxBytes: crawlLimits.robotsBytes,
    cutsAtLimit: true,
    timeoutMs: 10_000,
    ...(signal ? { signal } : {}),
  })
  if (status >= 500 || status === 429) return null
  return status >= 200 && status < 300 ? new TextDecoder().decode(body).replaceAll("\0", "") : ""
}

/** Whether robots.txt lets us read this address. */
export function isAllowedByRobots(robots: string, url: string): boolean {
  return robotsParser(new URL("/robots.txt", url).href, robots).isAllowed(url, robotName) !== false
}

/** How long to wait between two pages, in ms: as asked for, within reason. */
export function readDelayMs(robots: string, url: string): number {
  const asked = robotsParser(new URL("/robots.txt", url).href, robots).getCrawlDelay(robotName)
  return Math.min(2_000, Math.max(100, (asked ?? 0) * 1_000))
}

/**
 * The pages that a site's sitemaps name, at most `most` of them. Only addresses are read from a sitemap, with no
 * XML parser, so its entities and document types mean nothing. What cannot be read is passed over.
 */
export async function fetchSitemap(
  get: Fetch,
  {
    home,
    robots,
    most,
    signal,
  }: { home: string; robots: string; most: number; signal?: AbortSignal },
): Promise<string[]> {
  const named = robotsParser(new URL("/robots.txt", home).href, robots).getSitemaps()
  const queue = [...new Set([...named, new URL("/sitemap.xml", home).href])]
  const pages = new Set<string>()
  const seen = new Set<string>()
  while (queue.length > 0 && seen.size < crawlLimits.sitemaps && pages.size < most) {
    const next = queue.shift()!
    if (seen.has(next) || !isSameSite(next, home)) continue
    seen.add(next)
    const text = await fetchXml(get, next, signal)
    const isIndex = /<sitemapindex[\s>]/i.test(text.slice(0, 5_000))
    for (const [, address] of text.matchAll(/<loc>\s*(?:<!\[CDATA\[)?\s*([^<\]\s]{1,2000})/gi)) {
      const url = normalizeUrl(address!.replaceAll("&amp;", "&"))
      if (!url || !isSameSite(url, home)) continue
      if (isIndex) queue.push(url)
      else pages.add(url)
      if (pages.size >= most || queue.length > 200) break
    }
  }
  return [...pages]
}

async function fetchXml(get: Fetch, url: string, signal?: AbortSignal): Promise<string> {
  try {
    const { status, body } = await get(url, {
      allowsHttp: true,
      maxBytes: crawlLimits.sitemapBytes,
      cutsAtLimit: true,
      timeoutMs: 10_000,
      ...(signal ? { signal } : {}),
    })
    if (status !== 200) return ""
    const isPacked = body[0] === 0x1f && body[1] === 0x8b
    const bytes = isPacked ? gunzipSync(body, { maxOutputLength: crawlLimits.sitemapBytes }) : body
    return new TextDecoder().decode(bytes)
  } catch {
    signal?.throwIfAborted()
    return ""
  }
}
