import { countRefusal } from "#lib/tenancy/directory.ts"
import type { VisitorScope } from "#lib/tenancy/scope.ts"
import { toAddress } from "./client-ip.ts"
import { type RateState, takeRates } from "./rates.ts"
import type { KeyLimits } from "./schema.ts"

/** One message's rates, by address, session and website on its key; returns the tightest and counts a refusal for the owner. */
export async function takeChatRates(
  scope: VisitorScope,
  limits: KeyLimits,
  ip: string,
): Promise<RateState> {
  const { keyId, sessionId, origin } = scope.visitor
  try {
    return await takeRates([
      { rate: "chat.ip", subject: `${keyId}:${ip}`, limit: limits.messagesPerMinutePerIp },
      { rate: "chat.session", subject: sessionId, limit: limits.messagesPerMinutePerSession },
      {
        rate: "chat.origin",
        subject: `${keyId}:${origin}`,
        limit: limits.messagesPerMinutePerOrigin,
      },
    ])
  } catch (error) {
    await countRefusal(keyId, "rate_limited", origin, toAddress(ip))
    throw error
  }
}
