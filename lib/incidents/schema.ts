import { z } from "zod"

export const blockNetworkInput = z.strictObject({
  keyId: z.string(),
  /** An address or a range: `203.0.113.7`, `203.0.113.0/24`, `2001:db8::/64`. */
  network: z
    .string()
    .trim()
    .refine(isNetwork, "Enter an address such as 203.0.113.7 or a range such as 203.0.113.0/24."),
})

/** At least a /8 (IPv4) or a /32 (IPv6): a slip must not lock the whole internet out. */
export function isNetwork(text: string): boolean {
  const [address = "", bits] = text.split("/")
  if (bits !== undefined && !/^\d{1,3}$/.test(bits)) return false
  const length = bits === undefined ? null : Number(bits)
  if (z.ipv4().safeParse(address).success) return length === null || (length >= 8 && length <= 32)
  return z.ipv6().safeParse(address).success && (length === null || (length >= 32 && length <= 128))
}

export type IncidentHour = { hour: string; sessions: number; refusals: number }
export type IncidentSession = {
  id: string
  visitorId: string
  origin: string
  address: string | null
  device: string | null
  createdAt: string
  messageCount: number
  isEnded: boolean
  /** Kept out for good, whatever chat they come with. */
  isBlocked: boolean
}

/** Everything about one key in the last 24 hours that tells an attack from a good day. */
export type IncidentView = {
  hours: IncidentHour[]
  websites: { origin: string; sessions: number }[]
  addresses: { address: string; sessions: number; isBlocked: boolean }[]
  refusals: { reason: string; count: number }[]
  sessions: IncidentSession[]
  blockedNetworks: { id: string; network: string; createdAt: string }[]
}
