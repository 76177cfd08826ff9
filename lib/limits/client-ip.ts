import { isIP } from "node:net"

/** Set by runtime/web.ts on every request from the socket and the trusted proxies; a client's own is overwritten. */
export const clientHeader = "x-coatcheck-client"

type HeaderSource = Headers | Record<string, string | string[] | undefined> | undefined

/** The address limits count by: an IPv4 address, or an IPv6 /64. */
export function clientIp(headers: HeaderSource): string {
  const value = headers instanceof Headers ? headers.get(clientHeader) : headers?.[clientHeader]
  return typeof value === "string" && value !== "" ? value : "unknown"
}

/** The address as Postgres reads it as a network, or null when it is not known. */
export function toAddress(ip: string | undefined): string | null {
  return isIP(ip?.split("/")[0] ?? "") ? ip! : null
}

/**
 * Who is really calling: the socket's address, or, behind `trustedProxies` proxies, the entry of
 * X-Forwarded-For that the outermost of them wrote. Entries further left are the client's own words.
 */
export function resolveClient(
  socketAddress: string | undefined,
  forwardedFor: string | string[] | undefined,
  trustedProxies: number,
): string {
  const hops = [...String(forwardedFor ?? "").split(","), socketAddress ?? ""]
    .map((hop) => hop.trim())
    .filter(Boolean)
  return toNetwork(hops[Math.max(0, hops.length - 1 - trustedProxies)] ?? "unknown")
}

/** One IPv6 customer holds a whole /64, so that is one client; an IPv4-mapped address is the IPv4 one. */
function toNetwork(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped) return mapped[1]!
  if (!address.includes(":")) return address
  if (!URL.canParse(`http://[${address}]/`)) return "unknown"
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  const [head = "", tail] = canonical.split("::")
  const left = head.split(":").filter(Boolean)
  const right = tail === undefined ? [] : tail.split(":").filter(Boolean)
  const all = [
    ...left,
    ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0"),
    ...right,
  ]
  return `${all.slice(0, 4).join(":")}::/64`
}
