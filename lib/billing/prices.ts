import { env } from "#lib/env.ts"

/** Billionths of a minor unit: one token of the cheapest model is still a whole number. */
export const nanosPerMinor = 1_000_000_000n

/** What one token costs, in nanos. */
export type TokenPrice = { input: bigint; cached: bigint; output: bigint }

/**
 * Reads MODEL_PRICE: minor units for a million tokens, as `input=15,cached=8,output=60`, or `15/60` for input
 * and output. Null when it is missing or says no price: an unpriced model is refused.
 */
export function parseTokenPrice(text: string | undefined): TokenPrice | null {
  if (!text) return null
  const named = Object.fromEntries(
    [...text.matchAll(/"?(input|cached|output)"?\s*[=:]\s*(\d+(?:\.\d+)?)/gi)].map(
      ([, name, value]) => [name!.toLowerCase(), toNanosPerToken(value!)],
    ),
  )
  const plain =
    Object.keys(named).length === 0 ? (text.match(/\d+(?:\.\d+)?/g) ?? []).map(toNanosPerToken) : []
  const input = named.input ?? plain[0]
  if (input === undefined) return null
  return {
    input,
    cached: named.cached ?? plain[2] ?? input,
    output: named.output ?? plain[1] ?? input,
  }
}

/** `0.15` minor for a million tokens is 150 nanos a token. Digits, not floats: 0.1 + 0.2 is 0.3 here. */
function toNanosPerToken(minorPerMillion: string): bigint {
  const [whole = "0", fraction = ""] = minorPerMillion.split(".")
  return BigInt(whole) * 1_000n + BigInt(fraction.padEnd(3, "0").slice(0, 3))
}

/** The deployment's price, or null. */
export function deploymentPrice(): TokenPrice | null {
  return parseTokenPrice(env.MODEL_PRICE)
}

/** No call has more, and the sum of a turn's calls still fits where the ledger keeps it. */
const mostTokens = 100_000_000

/** Whether a provider's count can be one: its server may report anything, a debt of ours to us included. */
export function isTokenCount(count: number): boolean {
  return Number.isSafeInteger(count) && count >= 0 && count <= mostTokens
}

/** What a call costs; `cached` are those of its input tokens that the provider had read before. */
export function costOf(
  price: TokenPrice,
  { input, cached = 0, output }: { input: number; cached?: number; output: number },
): bigint {
  return (
    price.input * BigInt(input - cached) +
    price.cached * BigInt(cached) +
    price.output * BigInt(output)
  )
}

/** What an input token can cost at most, however a provider counts it. */
export function dearestInput({ input, cached }: TokenPrice): bigint {
  return cached > input ? cached : input
}

/** Nanos as whole minor units, rounded up: what is shown never says less than what was spent. */
export function toMinor(nanos: bigint): number {
  return Number((nanos + nanosPerMinor - 1n) / nanosPerMinor)
}
