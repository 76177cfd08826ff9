import { afterEach, describe, expect, test, vi } from "vitest"
import { solveChallenge } from "#components/widget/bot-check.ts"
import { type BotCheckLevel, createChallenge, isSolved, work } from "./challenge.ts"
import { type BotCheckProof, botCheckProof } from "./schema.ts"

afterEach(() => {
  vi.useRealTimers()
})

const ticket = "tkt_000000000000000000000001"

async function solve(ticketId = ticket, level: BotCheckLevel = "normal"): Promise<BotCheckProof> {
  const { challenge } = await createChallenge(ticketId, level)
  return { challenge, solution: (await solveChallenge(challenge))! }
}

test("what the widget works out is accepted, for the ticket the challenge came with", async () => {
  const proof = await solve()
  expect(await isSolved(ticket, proof)).toBe(true)
  expect(await isSolved("tkt_000000000000000000000002", proof)).toBe(false)
})

test("a challenge dies with its ticket, a minute after it was sold", async () => {
  const proof = await solve()
  vi.useFakeTimers({ toFake: ["Date"] })
  vi.setSystemTime(Date.now() + 58_000)
  expect(await isSolved(ticket, proof)).toBe(true)
  vi.setSystemTime(Date.now() + 4_000)
  expect(await isSolved(ticket, proof)).toBe(false)
})

describe("without the work nothing passes", () => {
  const key = "ab".repeat(32)
  test.each<[string, (proof: BotCheckProof) => object]>([
    ["another key", () => ({ solution: { counter: 700, derivedKey: key } })],
    ["an empty key", ({ solution }) => ({ solution: { ...solution, derivedKey: "" } })],
    [
      "the prefix, which is public, filled up",
      ({ challenge }) => ({
        solution: { counter: 700, derivedKey: challenge.parameters.keyPrefix.padEnd(64, "0") },
      }),
    ],
    ["half a counter", ({ solution }) => ({ solution: { ...solution, counter: 0.5 } })],
    ["another signature", ({ challenge }) => ({ challenge: { ...challenge, signature: key } })],
    ["no signature", ({ challenge }) => ({ challenge: { ...challenge, signature: "" } })],
  ])("%s", async (_, change) => {
    const proof = await solve()
    expect(await isSolved(ticket, { ...proof, ...change(proof) })).toBe(false)
  })

  test.each<[string, object]>([
    ["another ticket's name", { data: { ticket: "tkt_000000000000000000000002" } }],
    ["a later end", { expiresAt: Math.floor(Date.now() / 1000) + 86_400 }],
    ["no end", { expiresAt: 0 }],
    ["less work", { cost: 1 }],
    ["a shorter prefix", { keyPrefix: "00" }],
    ["a key signature of one's own", { keySignature: key }],
  ])("a challenge with %s written into it", async (_, change) => {
    const { challenge, solution } = await solve()
    const forged = { ...challenge, parameters: { ...challenge.parameters, ...change } }
    const named = forged.parameters.data.ticket
    expect(await isSolved(named, { challenge: forged, solution })).toBe(false)
  })
})

test("the high level is several times the normal one, and both fit into a ticket's minute", async () => {
  const rounds = ({ cost, maxCounter }: { cost: number; maxCounter: number }) => cost * maxCounter
  expect(rounds(work.high)).toBeGreaterThan(4 * rounds(work.normal))
  const startedAt = performance.now()
  await solve(ticket, "high")
  expect(performance.now() - startedAt).toBeLessThan(20_000)
})

test("a challenge fits the shape that the counter reads, and two are never the same", async () => {
  const proof = await solve()
  expect(botCheckProof.parse(JSON.parse(JSON.stringify(proof)))).toEqual(proof)
  const { challenge } = await createChallenge(ticket, "normal")
  expect(challenge.parameters.nonce).not.toBe(proof.challenge.parameters.nonce)
})
