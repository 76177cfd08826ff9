import { withClient } from "../../runtime/database-roles.ts"
import { type Answer, type CallOptions, call, newAddress, type Shop } from "../counter.ts"
import type { Deployment } from "../deployment.ts"
import { expect } from "../fixtures.ts"

// What the cases about keys and tokens share: a live key of a real-looking site, and the shape of a refusal.

export const shopSite = "https://shop.example.com"

export type Key = { id: string; key: string; allowedOrigins: string[] }

/** A key of the shop's bot; live and for `https://shop.example.com` unless said otherwise. */
export async function makeKey(shop: Shop, input: object = {}): Promise<Key> {
  const { status, body, text } = await shop.api<Key>(`/v1/bots/${shop.botId}/embed-keys`, {
    body: { mode: "live", allowedOrigins: [shopSite], ...input },
  })
  if (status !== 201) throw new Error(`No key: ${status} ${text}`)
  return body
}

/** Shows `key` at the counter from an address of its own. No Origin: `{ origin: null }`. */
export function showKey(
  deployment: Deployment,
  key: unknown,
  { origin = shopSite, headers, ...options }: CallOptions & { origin?: string | null } = {},
): Promise<Answer> {
  return call(deployment, "/api/embed/ticket", {
    ip: newAddress(),
    body: { key },
    ...options,
    headers: { ...(origin === null ? {} : { origin }), ...headers },
  })
}

/** A refusal with one of these statuses that hands out nothing, sets nothing and may be kept by nobody. */
export function expectRefusal(answer: Answer, statuses: number | number[], what = ""): void {
  const { status, headers, text } = answer
  expect([statuses].flat(), `${what} → ${status} ${text.slice(0, 200)}`).toContain(status)
  expect(text, what).not.toMatch(/ey[\w-]+\.[\w-]+\.|"(ticket|token)":/)
  expect(headers.getSetCookie(), what).toEqual([])
  expect(headers.get("cache-control") ?? "no-store", what).toContain("no-store")
  expect(headers.get("access-control-allow-origin"), what).toBeNull()
}

/** The claims that anyone can read off a signed ticket or token. */
export function readClaims(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"))
}

/** Runs one statement past all walls, as a person with a database console would. */
export function runSql<Row extends object>(
  deployment: Deployment,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const url = deployment.database.superuserUrl.replace(/[^/]+$/, "coatcheck")
  return withClient(url, async (client) => (await client.query<Row>(sql, values)).rows)
}
