import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { parseTokenPrice, toMinor } from "#lib/billing/prices.ts"
import { defaultKeyLimits } from "#lib/limits/schema.ts"
import { keyDayCap } from "#lib/limits/spend.ts"
import { type ChatModel, worstCaseCost } from "#lib/models/chat-model.ts"
import { largestPrompt } from "./prompt.ts"

// SECURITY.md states what a stolen key can cost, as a formula with figures: here it is computed again.

const text = readFileSync(new URL("../../SECURITY.md", import.meta.url), "utf8")
const priced = { price: parseTokenPrice("15/60") } as ChatModel
const prompt = largestPrompt()
const bytes = Buffer.byteLength(
  prompt.instructions + prompt.messages.map(({ content }) => content).join("\n"),
)

/** The formula's `message`, in nanos, word for word. */
function message(toolBytes: number, steps: number): number {
  let tokensIn = 0
  for (let step = 0; step < steps; step++)
    tokensIn += bytes + toolBytes + 200 + step * 1_200 + (step === 0 ? 0 : 20_000 + 5 * 200)
  return (2 * (tokensIn * 15 + steps * 1_000 * 60) * 1e9) / 1e6
}

test("the worst message costs what SECURITY.md says, with tools and without", () => {
  expect(Number(worstCaseCost(priced, prompt))).toBe(message(0, 1))
  const tool = { name: "cancel", description: "Cancels an order." } as never
  expect(Number(worstCaseCost(priced, prompt, [tool]))).toBe(message(200, 4))
  expect(text).toContain(`holds ${bytes.toLocaleString("en-US")} bytes`)
  const shown = [message(0, 1), message(200, 4)].map((nanos) => (nanos / 1e9).toFixed(1))
  expect(text).toContain(`${shown[0]} minor units a message and ${shown[1]} with tools`)
})

test("the day that SECURITY.md names for the default limits is the day's cap", () => {
  const cap = toMinor(keyDayCap(defaultKeyLimits))
  expect(cap).toBe(defaultKeyLimits.monthlySpendMinor / 5)
  expect((defaultKeyLimits.messagesPerDay * message(0, 1)) / 1e9).toBeGreaterThan(cap)
  expect(text).toContain(`costs at most ${cap} minor units`)
})
