import ipaddr from "ipaddr.js"

/** Documentation (RFC 9637): newer than the library's table. */
const newerReserved = ipaddr.parseCIDR("3fff::/20")
const globalUnicast = ipaddr.parseCIDR("2000::/3")

/**
 * True for an address of the public internet. Everything else is refused: private, shared, loopback,
 * link-local (cloud metadata), reserved, multicast, and every IPv6 form that carries an IPv4 address.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.parse(address)
  // Named ranges are judged by "nothing special" alone, so a range the library learns is refused too.
  if (parsed.range() !== "unicast") return false
  if (parsed.kind() === "ipv4") return true
  return parsed.match(globalUnicast) && !parsed.match(newerReserved)
}
