import { getDomain, getPublicSuffix } from "tldts"

// Guarantees: what is saved and what is compared go through the same canonical form, and nothing is
// compared as a prefix or substring. A wildcard covers any depth below a registrable domain, not the
// domain itself, and never a public suffix, private ones (github.io) included.

export type OriginRule = { id: string; pattern: string }
export type KeyMode = "live" | "test"

const isLoopback = (host: string) =>
  host === "localhost" || host.endsWith(".localhost") || host === "127.0.0.1" || host === "[::1]"

/**
 * Reads an allowed website as an owner typed it: an origin such as `https://shop.example.com`, or
 * `https://*.example.com`; a bare host means https. Returns the canonical pattern, or a sentence that says
 * what to change.
 */
export function parseOriginPattern(
  input: string,
  mode: KeyMode,
): { pattern: string } | { problem: string } {
  const typed = input.trim()
  if (typed === "" || typed.length > 300) return { problem: "Enter a website address." }
  if (typed.toLowerCase() === "null") return { problem: "“null” is not a website." }
  const withScheme =
    /^[a-z][a-z0-9+.-]*:/i.test(typed) && !/^[^/]*:\d+/.test(typed) ? typed : `https://${typed}`
  const wildcard = /^(https?:\/\/)\*\.(.+)$/i.exec(withScheme)
  if (withScheme.includes("*") && !wildcard) {
    return { problem: "A star may only stand for everything before a domain: *.example.com." }
  }
  const address = wildcard ? `${wildcard[1]}${wildcard[2]}` : withScheme
  if (!URL.canParse(address)) return { problem: "This is not a website address." }
  const url = new URL(address)
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return { problem: "Only websites that start with https:// can be allowed." }
  }
  if (
    url.username ||
    url.password ||
    url.search ||
    url.hash ||
    !/^[^/?#]*\/\/[^/?#\\@]+\/?$/.test(address)
  ) {
    return { problem: "Enter the website only, without a path: https://www.example.com." }
  }
  const host = url.hostname
  const loopback = isLoopback(host)
  if (loopback && mode === "live") {
    return {
      problem: "A live tag cannot be used on this computer's own addresses. Use a test tag.",
    }
  }
  if (url.protocol === "http:" && !loopback) {
    return { problem: "Websites must use https://, so that nobody on the way can change the page." }
  }
  if (!loopback) {
    const domain = getDomain(host, { allowPrivateDomains: true })
    const isAddress = /^[\d.]+$/.test(host) || host.startsWith("[")
    if (isAddress) return { problem: "Enter a website by its name, not by a number." }
    if (!domain || getPublicSuffix(host, { allowPrivateDomains: true }) === host) {
      return { problem: "This covers websites of many owners. Enter your own domain." }
    }
  } else if (wildcard && host !== "localhost") {
    return { problem: "A star may only stand before localhost here: http://*.localhost:3000." }
  }
  return { pattern: wildcard ? `${url.protocol}//*.${url.host}` : url.origin }
}

/** The canonical form of an `Origin` header, or null for an absent, opaque or malformed one. */
export function parseOrigin(header: string | null): string | null {
  if (!header || header === "null" || header.length > 300 || !URL.canParse(header)) return null
  const url = new URL(header)
  if (url.protocol !== "https:" && url.protocol !== "http:") return null
  // URL takes a star for a host; no browser sends one, and a rule must not be met by its own spelling.
  if (url.host.includes("*")) return null
  // A browser sends scheme, host and port alone: anything longer was made by hand.
  return url.origin.toLowerCase() === header.toLowerCase() ? url.origin : null
}

/** Which rule of a key admits this (canonical) origin; null when none does, an empty list included. */
export function findOriginRule(rules: OriginRule[], origin: string): OriginRule | null {
  const url = new URL(origin)
  return (
    rules.find(({ pattern }) => {
      if (!pattern.includes("*")) return pattern === origin
      const [scheme, host] = pattern.split("//*") as [string, string]
      return url.protocol === scheme && url.host.endsWith(host) && url.host.length > host.length
    }) ?? null
  )
}

/** `frame-ancestors` sources for a key's rules. An empty list must become 'none': empty means anyone. */
export function frameAncestors(rules: OriginRule[]): string {
  return rules.length === 0 ? "'none'" : rules.map((rule) => rule.pattern).join(" ")
}
