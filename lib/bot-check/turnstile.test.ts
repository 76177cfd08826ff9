import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest"
import { solveChallenge } from "#components/widget/bot-check.ts"
import { newId } from "#lib/ids.ts"

// The verifier is a real server on this machine, so that time-outs and broken answers are real ones.

type Answer = { status?: number; body: string } | "silence"

let verifier: Server
let answer: Answer
let calls: URLSearchParams[]
let isPassed: typeof import("./check.ts").isPassed
let createChallenge: typeof import("./challenge.ts").createChallenge
let forgetProbe: typeof import("./turnstile.ts").forgetProbe
let disconnect: typeof import("#lib/tenancy/database.ts").disconnect

beforeAll(async () => {
  verifier = createServer(async (request, response) => {
    let text = ""
    for await (const piece of request) text += piece
    calls.push(new URLSearchParams(text))
    if (answer === "silence") return
    const { status = 200, body } = answer
    response.writeHead(status, { "content-type": "application/json" }).end(body)
  })
  await new Promise<void>((resolve) => verifier.listen(0, "127.0.0.1", resolve))
  const { port } = verifier.address() as AddressInfo
  vi.stubEnv("TURNSTILE_SITE_KEY", "site-key")
  vi.stubEnv("TURNSTILE_SECRET_KEY", "secret-key")
  vi.stubEnv("TURNSTILE_VERIFY_URL", `http://127.0.0.1:${port}/siteverify`)
  ;({ isPassed } = await import("./check.ts"))
  ;({ createChallenge } = await import("./challenge.ts"))
  ;({ forgetProbe } = await import("./turnstile.ts"))
  ;({ disconnect } = await import("#lib/tenancy/database.ts"))
})

afterAll(async () => {
  verifier.closeAllConnections()
  verifier.close()
  await disconnect()
})

beforeEach(() => {
  calls = []
  forgetProbe()
})

const verdict = (changes: object = {}): Answer => ({
  body: JSON.stringify({ success: true, hostname: "127.0.0.1", ...changes }),
})

/** A ticket, its work done, and a token; `work` off sends the challenge unsolved. */
async function prove({ token = true, isWorked = true } = {}) {
  const ticketId = newId("ticket")
  const { challenge, turnstileSiteKey } = await createChallenge(ticketId, "normal")
  expect(turnstileSiteKey).toBe("site-key")
  const solution = isWorked
    ? (await solveChallenge(challenge))!
    : { counter: 1, derivedKey: "00".repeat(32) }
  return { ticketId, proof: { challenge, solution, ...(token && { turnstileToken: "token-1" }) } }
}

test("a token that the verifier gave to our frame for this ticket passes", async () => {
  const { ticketId, proof } = await prove()
  answer = verdict({ cdata: ticketId })
  expect(await isPassed(ticketId, proof)).toBe(true)
  expect(Object.fromEntries(calls[0]!)).toEqual({ secret: "secret-key", response: "token-1" })
})

describe("K34 refused, however good the work", () => {
  test.each<[string, (ticketId: string) => object]>([
    ["a token that the verifier refuses", (cdata) => ({ success: false, cdata })],
    ["a token of another website", (cdata) => ({ hostname: "evil.test", cdata })],
    ["a token for another ticket", () => ({ cdata: newId("ticket") })],
    ["a token for no ticket", () => ({})],
  ])("%s", async (_, changes) => {
    const { ticketId, proof } = await prove()
    answer = verdict(changes(ticketId))
    expect(await isPassed(ticketId, proof)).toBe(false)
  })

  test("no token at all, while the verifier answers", async () => {
    const { ticketId, proof } = await prove({ token: false })
    answer = { status: 400, body: JSON.stringify({ success: false }) }
    expect(await isPassed(ticketId, proof)).toBe(false)
  })
})

describe("K34 while the verifier is away the work decides", () => {
  test.each<[string, Answer]>([
    ["it fails", { status: 500, body: '{"success":false}' }],
    ["it limits us", { status: 429, body: '{"success":false}' }],
    ["it says something else", { body: "<html>" }],
    ["it stays silent for three seconds", "silence"],
  ])("%s", async (_, outage) => {
    answer = outage
    const { ticketId, proof } = await prove()
    expect(await isPassed(ticketId, proof)).toBe(true)
    const idle = await prove({ isWorked: false })
    expect(await isPassed(idle.ticketId, idle.proof)).toBe(false)
  })

  test("also for frames whose script did not load, with one question for many of them", async () => {
    answer = { status: 503, body: "" }
    for (let i = 0; i < 5; i++) {
      const { ticketId, proof } = await prove({ token: false })
      expect(await isPassed(ticketId, proof)).toBe(true)
    }
    expect(calls).toHaveLength(1)
  })
})

test("whoever has not worked makes us call nobody", async () => {
  const { ticketId, proof } = await prove({ isWorked: false })
  expect(await isPassed(ticketId, proof)).toBe(false)
  expect(await isPassed(ticketId, undefined)).toBe(false)
  expect(calls).toEqual([])
})

test("one solved challenge is three calls at most", async () => {
  const { ticketId, proof } = await prove()
  answer = verdict({ success: false })
  for (let i = 0; i < 3; i++) expect(await isPassed(ticketId, proof)).toBe(false)
  await expect(isPassed(ticketId, proof)).rejects.toMatchObject({ code: "rate_limited" })
  expect(calls).toHaveLength(3)
})
