import { ask, call, newAddress, openSession, openShop, returnsQuestion } from "../counter.ts"
import { findFreePorts, startWeb, waitUntilHealthy } from "../deployment.ts"
import { expect, test } from "../fixtures.ts"
import { rounds } from "./rounds.ts"
import { measureSeparation, readAuc, separationLimit } from "./timing.ts"

// Refusals that look alike must also take alike: whether something is there must not show in the time.
// The counter's own (K38) stand in keys.spec.ts.

const hex = () => crypto.randomUUID().replaceAll("-", "").slice(0, 24)

test("the rig tells a difference when there is one, and none where there is none", async ({
  deployment,
}) => {
  expect(readAuc([1, 2, 3], [4, 5, 6])).toBe(1)
  expect(readAuc([4, 5, 6], [1, 2, 3])).toBe(0)
  expect(readAuc([1, 1, 1], [1, 1])).toBe(0.5)
  const pairs = rounds(150, 1_000)
  const shop = await openShop(deployment)
  const refuse = (body: object) => () =>
    call(deployment, "/api/embed/ticket", { ip: newAddress(), body })
  // A body that cannot be a key's is refused before anything is looked up; an unknown key after it.
  const [early, late] = [refuse([]), refuse({ key: shop.key })]
  expect(await measureSeparation(pairs, early, late, 4)).toBeGreaterThan(0.9)
  expect(await measureSeparation(pairs, early, early, 4)).toBeLessThan(separationLimit(pairs))
})

test("X26 another tenant's id takes as long as one that never was", async ({ deployment }) => {
  test.setTimeout(rounds(120_000, 900_000))
  const shop = await openShop(deployment)
  const other = await openShop(deployment)
  const { token } = await openSession(deployment, other)
  const { parts } = await ask(deployment, token, returnsQuestion)
  const conversation = String(parts.find(({ type }) => type === "data-conversation")?.data?.id)
  const [port] = await findFreePorts(1)
  // A process of its own, whose rate per tenant does not end the measurement.
  const program = startWeb({ ...deployment.env, DEFAULT_RATE_LIMIT: "1000000" }, port!)
  try {
    const alone = { processUrls: [`http://127.0.0.1:${port}`] }
    await waitUntilHealthy(alone.processUrls[0]!, program)
    const headers = { authorization: `Bearer ${shop.secretKey}` }
    const targets: [string, string, string, object?][] = [
      ["/v1/bots", other.botId, "bot_"],
      ["/v1/sources", other.sourceId, "src_"],
      ["/v1/conversations", conversation, "cnv_"],
      ["/v1/embed-keys", other.keyId, "key_", { status: "disabled" }],
    ]
    for (const [path, foreign, prefix, body] of targets) {
      const reach = async (id: string) => {
        const method = body ? "PATCH" : "GET"
        const more = { method, ip: newAddress(), headers, ...(body ? { body } : {}) }
        const { status, text } = await call(alone, `${path}/${id}`, more)
        return [status, text.replace(/"requestId":"[^"]+"/, "")]
      }
      expect(await reach(foreign)).toEqual(await reach(prefix + hex()))
      expect((await reach(foreign))[0]).toBe(404)
      const pairs = rounds(150, 1_500)
      const separation = await measureSeparation(
        pairs,
        () => reach(foreign),
        () => reach(prefix + hex()),
      )
      expect(separation, `${path}: AUC ${separation}`).toBeLessThan(separationLimit(pairs))
    }
  } finally {
    await program.stop()
  }
})

test("signing in says and takes the same for an address with an account and for one without", async ({
  deployment,
}) => {
  test.setTimeout(rounds(120_000, 1_200_000))
  const pairs = rounds(60, 1_000)
  Object.assign(process.env, deployment.env, { LOG_LEVEL: "silent" })
  const { makeTenant } = await import("#prisma/factories.ts")
  const { disconnect } = await import("#lib/tenancy/database.ts")
  // An account may be tried a hundred times in a quarter of an hour: several take turns.
  const known: string[] = []
  for (let i = 0; i < Math.ceil((pairs + 20) / 90); i++) known.push((await makeTenant()).email)
  await disconnect()
  const app = { processUrls: [deployment.appUrl] }
  const csrf = await call<{ csrfToken: string }>(app, "/api/auth/csrf", { ip: newAddress() })
  const cookie = csrf.headers
    .getSetCookie()
    .map((each) => each.split(";")[0])
    .join("; ")
  const signIn = async (email: string) => {
    const { csrfToken } = csrf.body
    const form = { csrfToken, email, password: "not the password", json: "true" }
    const answer = await call(app, "/api/auth/callback/credentials", {
      ip: newAddress(),
      headers: { "content-type": "application/x-www-form-urlencoded", cookie },
      body: new URLSearchParams(form).toString(),
    })
    return [answer.status, answer.text]
  }
  let turn = 0
  const asKnown = () => signIn(known[turn++ % known.length]!)
  const asStranger = () => signIn(`stranger-${hex()}@example.com`)
  expect(await asKnown()).toEqual(await asStranger())
  expect((await asKnown())[0]).toBe(401)
  const separation = await measureSeparation(pairs, asKnown, asStranger)
  expect(separation, `AUC ${separation}`).toBeLessThan(separationLimit(pairs))
  expect((await asKnown())[0]).toBe(401)
})
