import { countRefusal } from "#lib/tenancy/directory.ts"
import type { VisitorScope } from "#lib/tenancy/scope.ts"
import { toAddress } from "./client-ip.ts"
import { type RateState, type RateTake, takeRates } from "./rates.ts"
import type { KeyLimits } from "./schema.ts"

/** One message's rates, by address, session and website on its key; returns the tightest and counts a refusal for the owner. */
export function takeChatRates(
  scope: VisitorScope,
  limits: KeyLimits,
  ip: string,
): Promise<RateState> {
  const { keyId, sessionId, origin } = scope.visitor
  return takeCounted(scope, ip, "rate_limited", [
    { rate: "chat.ip", subject: `${keyId}:${ip}`, limit: limits.messagesPerMinutePerIp },
    { rate: "chat.session", subject: sessionId, limit: limits.messagesPerMinutePerSession },
    {
      rate: "chat.origin",
      subject: `${keyId}:${origin}`,
      limit: limits.messagesPerMinutePerOrigin,
    },
  ])
}

/** The rates of leaving details: of an address, its share of the key's day, and that day. */
export function takeLeadRates(scope: VisitorScope, ip: string): Promise<RateState> {
  const { keyId } = scope.visitor
  return takeCounted(scope, ip, "lead_limit", [
    { rate: "lead.ip", subject: `${keyId}:${ip}` },
    { rate: "lead.ipDay", subject: `${keyId}:${ip}` },
    { rate: "lead.key", subject: keyId },
  ])
}

/** Takes a visitor's rates; whoever is refused is counted where the owner sees it. */
async function takeCounted(
  scope: VisitorScope,
  ip: string,
  reason: string,
  takes: RateTake[],
): Promise<RateState> {
  try {
    return await takeRates(takes)
  } catch (error) {
    await countRefusal(scope.visitor.keyId, reason, scope.visitor.origin, toAddress(ip))
    throw error
  }
}
