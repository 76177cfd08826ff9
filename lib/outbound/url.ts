import { isIP } from "node:net"
import { type Failure, fail } from "#lib/errors.ts"

/** Names that lead into somebody's own network, or nowhere (RFC 6761, 6762, 8375, ICANN's .internal). */
const privateSuffixes = [
  "localhost",
  "local",
  "internal",
  "intranet",
  "private",
  "corp",
  "home",
  "lan",
  "home.arpa",
  "in-addr.arpa",
  "ip6.arpa",
  "onion",
  "alt",
  "test",
  "invalid",
]

/** What every refusal says: nothing about what stands behind a name. */
export function refuseUrl(internal: string): Failure {
  return fail("url_not_allowed", { internal: `url_not_allowed: ${internal}` })
}

export type Target = {
  url: URL
  /** Lower case, without brackets and without the dot at the end. */
  host: string
  isAddress: boolean
}

/**
 * Reads an address as the browser standard does, which turns `0x7f.1`, `①②⑦.0.0.1` and the like into
 * plain forms, and judges what came out. Throws `url_not_allowed`.
 */
export function vetUrl(
  text: string,
  rules: {
    allowsHttp: boolean
    ownHosts: readonly string[]
    isAllowedPort: (port: number) => boolean
  },
): Target {
  if (text.length > 2_000 || !URL.canParse(text)) throw refuseUrl("not an absolute URL")
  const url = new URL(text)
  const isHttp = url.protocol === "http:"
  if (url.protocol !== "https:" && !(isHttp && rules.allowsHttp)) throw refuseUrl("scheme")
  if (url.username || url.password) throw refuseUrl("user information")
  if (!rules.isAllowedPort(Number(url.port || (isHttp ? 80 : 443)))) throw refuseUrl("port")
  url.hash = ""
  // A dot at the end is the same host to DNS, and another one to every comparison.
  url.hostname = url.hostname.replace(/\.+$/, "")
  const host = plainHost(url)
  const isAddress = isIP(host) !== 0
  if (!host || (!isAddress && !isPublicName(host))) throw refuseUrl("host name")
  if (rules.ownHosts.includes(host)) throw refuseUrl("our own host")
  return { url, host, isAddress }
}

function isPublicName(host: string): boolean {
  if (!/^[a-z0-9_-]+(?:\.[a-z0-9_-]+)+$/.test(host) || host.length > 253) return false
  return !privateSuffixes.some((suffix) => host === suffix || host.endsWith(`.${suffix}`))
}

/** The host of a URL without brackets and without the dot at the end. */
export function plainHost(url: URL): string {
  return url.hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, "")
    .replace(/\.+$/, "")
}
