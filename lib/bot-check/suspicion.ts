import type { KeyLimits } from "#lib/limits/schema.ts"
import { callDefiner } from "#lib/tenancy/database.ts"
import type { BotCheckLevel } from "./challenge.ts"
import type { BotCheckMode } from "./schema.ts"

/** What the last hour holds of one address on a key, and of the whole key. */
export type Signals = {
  addressTickets: number
  addressRefusals: number
  keyTickets: number
  keyRefusals: number
}

/** Refused requests in an hour from which an address, or a key as a whole, is suspicious. */
export const refusalsAnHour = { address: 10, key: 100 }

/**
 * The rule of suspicion. An address: 10 refused requests within an hour, or more tickets than half of what
 * its rate would allow in one. A key: the same with 100 refusals and the key's rate.
 */
export function findSuspicion(signals: Signals, limits: KeyLimits): "address" | "key" | null {
  const halfAnHourOf = (perMinute: number) => perMinute * 30
  if (
    signals.addressRefusals >= refusalsAnHour.address ||
    signals.addressTickets > halfAnHourOf(limits.ticketsPerMinutePerIp)
  )
    return "address"
  if (
    signals.keyRefusals >= refusalsAnHour.key ||
    signals.keyTickets > halfAnHourOf(limits.ticketsPerMinute)
  )
    return "key"
  return null
}

/**
 * How hard a check this ticket carries; null for none. A suspicious address works harder. A suspicious key
 * means somebody else's traffic, so its visitors are asked and don't pay more.
 */
export function chooseLevel(
  mode: BotCheckMode,
  suspicion: "address" | "key" | null,
): BotCheckLevel | null {
  if (mode === "off") return null
  if (suspicion === "address") return "high"
  return mode === "always" || suspicion === "key" ? "normal" : null
}

/** Counts a ticket and returns what the last hour holds. An unknown address is judged by its key alone. */
export async function noteTicket(keyId: string, address: string | null): Promise<Signals> {
  const [row] = await callDefiner<{
    address_tickets: number
    address_refusals: number
    key_tickets: number
    key_refusals: number
  }>("note_ticket", "select * from limits.note_ticket($1, $2)", [keyId, address])
  // Whole numbers: ten refusals must not become 9.99 because an hour just turned.
  return {
    addressTickets: Math.round(row!.address_tickets),
    addressRefusals: Math.round(row!.address_refusals),
    keyTickets: Math.round(row!.key_tickets),
    keyRefusals: Math.round(row!.key_refusals),
  }
}
