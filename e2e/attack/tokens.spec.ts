import { createHmac, generateKeyPairSync, sign as signWith } from "node:crypto"
import { createServer } from "node:http"
import {
  ask,
  buyTicket,
  call,
  newAddress,
  openSession,
  openShop,
  type Part,
  readParts,
  returnsQuestion,
  type Session,
  type Shop,
  sendMessage,
  wideLimits,
} from "../counter.ts"
import type { Deployment } from "../deployment.ts"
import { listenOnLoopback, scripts } from "../fake-model.ts"
import { expect, test } from "../fixtures.ts"
import { makePeople } from "../walls/two-tenants.ts"
import { expectRefusal, readClaims, runSql, showKey } from "./counter-attacks.ts"
import { rounds } from "./rounds.ts"

// The session token attacked, over HTTP and on both processes: what passes for one, what one opens, and how
// soon it is dead. Forged tokens are signed with the deployment's own secret where one claim is tried at a time.

type Claims = Record<string, unknown>
type Scene = { shop: Shop; session: Session }
let made: Promise<Scene> | null = null

/** One shop and one good session for whatever does not spoil them. */
function enter(deployment: Deployment): Promise<Scene> {
  made ??= (async () => {
    const shop = await openShop(deployment, { limits: wideLimits })
    return { shop, session: await openSession(deployment, shop) }
  })()
  return made
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")
const now = () => Math.floor(Date.now() / 1_000)

function readKey(deployment: Deployment): { kid: string; secret: string } {
  const [kid, secret] = deployment.env.TOKEN_KEYS!.split(",")[0]!.split(":") as [string, string]
  return { kid, secret }
}

/** The session's token with other claims (undefined leaves one out), signed as we sign. */
function forge(
  deployment: Deployment,
  { token }: Session,
  { claims = {}, header = {}, sign }: { claims?: Claims; header?: Claims; sign?: Signer } = {},
): string {
  const { kid, secret } = readKey(deployment)
  const own = { ...readClaims(token), iat: now(), exp: now() + 300, ...claims }
  const text = `${encode({ alg: "HS256", typ: "session+jwt", kid, ...header })}.${encode(own)}`
  return `${text}.${(sign ?? hmac("sha256", secret))(text)}`
}

type Signer = (text: string) => string
const hmac =
  (hash: string, secret: string | Uint8Array): Signer =>
  (text) =>
    createHmac(hash, secret).update(text).digest("base64url")

/** A message under this token: what it gets, with nothing written when that is a refusal. */
const knock = (deployment: Deployment, token: string, process = 0) =>
  call(deployment, "/api/embed/chat", {
    ip: newAddress(),
    process,
    headers: { authorization: `Bearer ${token}` },
    body: { message: returnsQuestion },
  })

const opens = async (deployment: Deployment, token: string, process = 0) => {
  const { status } = await call(deployment, "/api/embed/conversation", {
    ip: newAddress(),
    process,
    headers: { authorization: `Bearer ${token}` },
  })
  return status === 200
}

async function expectAllRefused(deployment: Deployment, tokens: Record<string, string>) {
  for (const [what, token] of Object.entries(tokens))
    expectRefusal(await knock(deployment, token), 401, what)
}

const countMessages = async (deployment: Deployment, { tenantId }: Shop) =>
  (await runSql(deployment, "select 1 from messages where tenant_id = $1", [tenantId])).length

test("the forger of these tests can forge: with nothing changed the token is good", async ({
  deployment,
}) => {
  const { session } = await enter(deployment)
  expect(await opens(deployment, forge(deployment, session))).toBe(true)
})

test("T01 a token that says it needs no signature", async ({ deployment }) => {
  const { session } = await enter(deployment)
  const signature = session.token.split(".")[2]!
  for (const alg of ["none", "None", "nOnE", "NONE", ""])
    await expectAllRefused(deployment, {
      [`${alg}, empty`]: forge(deployment, session, { header: { alg }, sign: () => "" }),
      [`${alg}, kept`]: forge(deployment, session, { header: { alg }, sign: () => signature }),
    })
})

test("T02 another algorithm, or a secret that everyone knows", async ({ deployment }) => {
  const { shop, session } = await enter(deployment)
  const { kid, secret } = readKey(deployment)
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey
  const tokens: Record<string, string> = {
    HS384: forge(deployment, session, { header: { alg: "HS384" }, sign: hmac("sha384", secret) }),
    HS512: forge(deployment, session, { header: { alg: "HS512" }, sign: hmac("sha512", secret) }),
    RS256: forge(deployment, session, {
      header: { alg: "RS256" },
      sign: (text) => signWith("sha256", Buffer.from(text), rsa).toString("base64url"),
    }),
    ES256: forge(deployment, session, {
      header: { alg: "ES256" },
      sign: (text) =>
        signWith("sha256", Buffer.from(text), { key: ec, dsaEncoding: "ieee-p1363" }).toString(
          "base64url",
        ),
    }),
  }
  // There is no public key of ours to be mistaken for a secret; what else is public stands here.
  expect((await call(deployment, "/.well-known/jwks.json")).status).not.toBe(200)
  const publicWords = ["", "secret", "coatcheck", kid, shop.key, deployment.widgetUrl, "null"]
  for (const word of publicWords)
    tokens[`HS256 keyed by ${word}`] = forge(deployment, session, { sign: hmac("sha256", word) })
  await expectAllRefused(deployment, tokens)
})

test("T03 a key that the token brings along, or asks us to fetch", async ({ deployment }) => {
  const { session } = await enter(deployment)
  const hits: string[] = []
  const sink = createServer((request, response) => {
    hits.push(request.url ?? "")
    response.end("{}")
  })
  const url = `http://127.0.0.1:${await listenOnLoopback(sink)}`
  const own = Buffer.from("attacker".repeat(5))
  const jwk = { kty: "oct", alg: "HS256", k: own.toString("base64url") }
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const asymmetric: Signer = (text) =>
    signWith("sha256", Buffer.from(text), {
      key: pair.privateKey,
      dsaEncoding: "ieee-p1363",
    }).toString("base64url")
  const tokens: Record<string, string> = {}
  for (const header of [
    { jwk },
    { jku: `${url}/keys` },
    { x5u: `${url}/certificate` },
    { x5c: [own.toString("base64")] },
    { kid: `${url}/key` },
    { kid: "../../../../dev/null" },
  ] as Claims[]) {
    tokens[Object.keys(header).join()] = forge(deployment, session, {
      header,
      sign: hmac("sha256", own),
    })
    tokens[`ES256 ${Object.keys(header).join()}`] = forge(deployment, session, {
      header: { alg: "ES256", ...header, jwk: pair.publicKey.export({ format: "jwk" }) },
      sign: asymmetric,
    })
  }
  await expectAllRefused(deployment, tokens)
  expect(hits).toEqual([])
  sink.close()
})

test("T06 a token out of its time, whoever signed it", async ({ deployment }) => {
  const { session } = await enter(deployment)
  const late: Record<string, Claims> = {
    "expired ten seconds ago": { iat: now() - 310, exp: now() - 10 },
    "expired seven seconds ago": { iat: now() - 307, exp: now() - 7 },
    "no exp": { exp: undefined },
    "exp as text": { exp: String(now() + 300) },
    "an endless exp": { exp: 1e308 },
    "a far exp": { exp: now() + 86_400 },
    "issued in a minute": { iat: now() + 60, exp: now() + 360 },
    "good in a minute": { nbf: now() + 60 },
    "issued long ago, with a far exp": { iat: now() - 3_600, exp: now() + 3_600 },
    "no iat": { iat: undefined },
  }
  for (const [what, claims] of Object.entries(late))
    await expectAllRefused(deployment, { [what]: forge(deployment, session, { claims }) })
  // Clocks may differ by five seconds and no more.
  for (const claims of [
    { iat: now() - 302, exp: now() - 2 },
    { iat: now() + 3, exp: now() + 303 },
  ])
    expect(await opens(deployment, forge(deployment, session, { claims }))).toBe(true)
})

test("T08 no credential of ours passes for another", async ({ deployment }) => {
  const { shop, session } = await enter(deployment)
  const cookie = await (await makePeople(deployment))(shop.tenantId, "owner")
  const consoleSession = cookie.slice(cookie.indexOf("=") + 1)
  const ticket = await buyTicket(deployment, shop)
  await expectAllRefused(deployment, {
    "a console session": consoleSession,
    "a ticket": ticket,
    "an API key": shop.secretKey,
    "the master key": deployment.masterKey,
    "an embed key": shop.key,
    "a visitor secret": session.visitorSecret,
    "a session id": session.sessionId,
    "a session token of another kind": forge(deployment, session, { header: { typ: "JWT" } }),
    "one for another audience": forge(deployment, session, {
      claims: { aud: "coatcheck:session" },
    }),
  })
  const name = cookie.slice(0, cookie.indexOf("="))
  const { token } = session
  const asOther: [string, string, Record<string, string>][] = [
    ["a console cookie", `/api/console/${shop.tenantId}/audit`, { cookie: `${name}=${token}` }],
    ["an API key", "/v1/bots", { authorization: `Bearer ${token}` }],
    ["an API key of its own header", "/v1/bots", { "x-api-key": token }],
    ["the master key", "/admin/tenants", { "x-master-key": token }],
  ]
  for (const [what, path, headers] of asOther) {
    const answer = await call({ processUrls: [deployment.appUrl] }, path, { headers })
    expectRefusal(answer, 401, `the token as ${what}`)
  }
  const asTicket = await call(deployment, "/api/embed/session", { body: { ticket: token } })
  expectRefusal(asTicket, 401, "the token as a ticket")
  expectRefusal(await showKey(deployment, token), 401, "the token as an embed key")
})

test("T09 the token with other words under its old signature", async ({ deployment }) => {
  const { session } = await enter(deployment)
  const signature = session.token.split(".")[2]!
  const other = await openSession(deployment, await openShop(deployment))
  for (const claims of [
    { jti: other.sessionId },
    { sub: other.visitorId },
    { tenantId: "ten_b" },
    { botId: "bot_b" },
    { visitorId: other.visitorId },
    { azp: "https://evil.test" },
    { limits: { messagesPerDay: 1_000_000 } },
    { exp: now() + 86_400 },
  ])
    await expectAllRefused(deployment, {
      [JSON.stringify(claims)]: forge(deployment, session, { claims, sign: () => signature }),
    })
})

test("T10 other spellings are no tokens, and the end of a session is the end of it in every spelling", async ({
  deployment,
}) => {
  const { shop } = await enter(deployment)
  const session = await openSession(deployment, shop)
  const { token } = session
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
  const spellings = [
    `${token}=`,
    `${token}%0A`,
    `${token}.`,
    `${token}A`,
    `${token.split(".").join("=.")}=`,
    ...[...alphabet].map((letter) => token.slice(0, -1) + letter).filter((each) => each !== token),
  ]
  for (const spelling of spellings) await expectAllRefused(deployment, { [spelling]: spelling })
  const second = forge(deployment, session)
  expect(await opens(deployment, second)).toBe(true)
  await runSql(deployment, "update sessions set ended_at = now() where id = $1", [
    session.sessionId,
  ])
  for (const spelling of [token, second, `${token}=`])
    expectRefusal(await knock(deployment, spelling), 401)
})

test(`T11 ${rounds(2_000, 100_000).toLocaleString("en")} mutated tokens: not one opens anything, not one breaks anything`, async ({
  deployment,
}) => {
  test.setTimeout(rounds(60_000, 1_800_000))
  const { shop } = await enter(deployment)
  const { token } = await openSession(deployment, shop)
  // mulberry32: the same mutations in every run.
  let seed = 20_261_120
  const random = (below: number) => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
  const mutate = (): string => {
    const at = random(token.length)
    const flipped = String.fromCharCode(token.charCodeAt(at) ^ (1 << random(8)))
    // What a header can carry at all: visible characters and the upper half of Latin-1.
    const letter = String.fromCharCode(0x21 + random(0x5e))
    const changes = [
      token.slice(0, at) + flipped + token.slice(at + 1),
      token.slice(0, at) + letter + token.slice(at + 1),
      token.slice(0, at) + letter + token.slice(at),
      token.slice(0, at) + token.slice(at + 1),
      token.slice(0, at),
      token + letter,
    ]
    const mutated = changes[random(changes.length)]!
    const canTravel = /^[\x21-\x7e\xa1-\xff]+$/.test(mutated) && mutated !== token
    return canTravel ? mutated : mutate()
  }
  const before = await countMessages(deployment, shop)
  const outcomes = new Map<number, number>()
  const lane = async (process: number) => {
    for (let i = 0; i < rounds(2_000, 100_000) / 8; i++) {
      const { status } = await knock(deployment, mutate(), process)
      outcomes.set(status, (outcomes.get(status) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: 8 }, (_, i) => lane(i % 2)))
  expect([...outcomes.keys()]).toEqual([401])
  expect(await countMessages(deployment, shop)).toBe(before)
  expect(await opens(deployment, token)).toBe(true)
})

test("T12 a token opens its own bot, whatever the body or the path names", async ({
  deployment,
}) => {
  const shop = await openShop(deployment)
  const other = await openShop(deployment)
  const second = await shop.api<{ id: string }>("/v1/bots", { body: { name: "Second" } })
  await shop.api(`/v1/bots/${second.body.id}`, { method: "PATCH", body: { published: true } })
  const { token } = await openSession(deployment, shop)
  const headers = { authorization: `Bearer ${token}`, "x-tenant-id": other.tenantId }
  for (const botId of [second.body.id, other.botId]) {
    const path = `/api/embed/chat?botId=${botId}&tenantId=${other.tenantId}`
    const names = { botId, bot_id: botId, tenantId: other.tenantId, tenant_id: other.tenantId }
    const answer = await call(deployment, path, {
      ip: newAddress(),
      headers,
      body: { message: returnsQuestion, ...names },
    })
    expect(answer.status).toBe(200)
    expectRefusal(await call(deployment, `/v1/bots/${botId}`, { headers }), 401)
  }
  const owned = await runSql(deployment, "select bot_id from conversations where tenant_id = $1", [
    shop.tenantId,
  ])
  expect(owned).toEqual([{ bot_id: shop.botId }])
  expect(await countMessages(deployment, other)).toBe(0)
})

for (const [id, whose] of [
  ["T13", "another tenant's"],
  ["T14", "another visitor's, of the same bot,"],
] as const)
  test(`${id} ${whose} conversation is as absent as one that never was`, async ({ deployment }) => {
    const shop = await openShop(deployment)
    const theirShop = id === "T13" ? await openShop(deployment) : shop
    const mine = await openSession(deployment, shop)
    const theirs = await openSession(deployment, theirShop)
    const { parts } = await ask(deployment, theirs.token, `${returnsQuestion} A private word.`)
    const messageId = String(parts[0]?.messageId)
    const conversationId = String(parts.find(({ type }) => type === "data-conversation")?.data?.id)
    expect([messageId, conversationId]).toEqual([
      expect.stringMatching(/^msg_/),
      expect.stringMatching(/^cnv_/),
    ])
    const headers = { authorization: `Bearer ${mine.token}` }
    const before = await runSql(
      deployment,
      "select m::text from messages m where tenant_id = $1 order by id",
      [theirShop.tenantId],
    )
    const attempt = async (ids: { message: string; conversation: string }) => {
      const query = `?id=${ids.conversation}&conversationId=${ids.conversation}`
      const calls = [
        await call(deployment, "/api/embed/feedback", {
          headers,
          body: { messageId: ids.message, value: "down" },
        }),
        await call(deployment, `/api/embed/conversation${query}`, { headers }),
        await call(deployment, `/api/embed/conversation/${ids.conversation}`, { headers }),
        await call(deployment, `/api/embed/conversation${query}`, { method: "DELETE", headers }),
        await call(deployment, "/api/embed/chat", {
          ip: newAddress(),
          headers,
          body: { confirm: { callId: ids.message, isApproved: true } },
        }),
      ]
      return calls.map(({ status, text, body }) => [status, body.code, text.includes("private")])
    }
    const foreign = await attempt({ message: messageId, conversation: conversationId })
    const absent = await attempt({ message: "msg_0", conversation: "cnv_0" })
    expect(foreign).toEqual(absent)
    expect(foreign[0]).toEqual([404, "not_found", false])
    const after = await runSql(
      deployment,
      "select m::text from messages m where tenant_id = $1 order by id",
      [theirShop.tenantId],
    )
    expect(after).toEqual(before)
  })

const operate = (deployment: Deployment, tenantId: string, method: string, body?: object) =>
  call(deployment, `/admin/tenants/${tenantId}`, {
    method,
    headers: { "x-master-key": deployment.masterKey },
    ...(body ? { body } : {}),
  })

/** What an owner does on the incident screen, by the commands that its buttons call. */
async function actAsOwner(deployment: Deployment, { tenantId }: Shop) {
  // The libraries read the environment once, when they are first imported.
  Object.assign(process.env, deployment.env, { LOG_LEVEL: "silent" })
  const { scopeAs } = await import("#prisma/factories.ts")
  const commands = await import("#lib/incidents/commands.ts")
  const scope = scopeAs({ tenantId, userId: "usr_000000000000000000000000" }, "owner")
  return { scope, ...commands }
}

async function disconnectLibraries() {
  await (await import("#lib/tenancy/database.ts")).disconnect()
}

type Ending = {
  title: string
  /** Resolves once the switch has been thrown; until `cutFrom`, where the clock throws it. */
  end: (deployment: Deployment, scene: Scene) => Promise<unknown>
}
const patchKey = (shop: Shop, body: object) =>
  shop.api(`/v1/embed-keys/${shop.keyId}`, { method: "PATCH", body })
const byHand =
  (sql: string) =>
  (deployment: Deployment, { shop }: Scene) =>
    runSql(deployment, sql, [shop.keyId])

const endings: Ending[] = [
  {
    title: "T16 the key is rotated at once",
    end: (_, { shop }) =>
      shop.api(`/v1/embed-keys/${shop.keyId}/rotate`, { body: { overlapSeconds: 0 } }),
  },
  {
    title: "T16 the overlap of a rotation runs out by itself, and nothing announces it",
    end: async (_, { shop }) => {
      await shop.api(`/v1/embed-keys/${shop.keyId}/rotate`, { body: { overlapSeconds: 2 } })
      const { body } = await shop.api<{ previousExpiresAt: string }>(`/v1/embed-keys/${shop.keyId}`)
      const left = new Date(body.previousExpiresAt).getTime() - Date.now()
      await new Promise((resolve) => setTimeout(resolve, left))
    },
  },
  {
    title: "T17 the website is taken off the list",
    end: (_, { shop }) => patchKey(shop, { allowedOrigins: ["https://other.example.com"] }),
  },
  {
    title: "T18 the bot is unpublished",
    end: (_, { shop }) =>
      shop.api(`/v1/bots/${shop.botId}`, { method: "PATCH", body: { published: false } }),
  },
  {
    title: "T18 the bot is deleted",
    end: (_, { shop }) => shop.api(`/v1/bots/${shop.botId}`, { method: "DELETE" }),
  },
  {
    title: "T19 the tenant is suspended",
    end: (deployment, { shop }) =>
      operate(deployment, shop.tenantId, "PATCH", { status: "suspended" }),
  },
  {
    title: "T19 the tenant is deleted",
    end: (deployment, { shop }) => operate(deployment, shop.tenantId, "DELETE"),
  },
  {
    title: "T20 the owner ends the session",
    end: async (deployment, { shop, session }) => {
      const { scope, endSession } = await actAsOwner(deployment, shop)
      await endSession(scope, session.sessionId)
    },
  },
  {
    title: "T20 the owner blocks the visitor",
    end: async (deployment, { shop, session }) => {
      const { scope, setVisitorBlocked } = await actAsOwner(deployment, shop)
      await setVisitorBlocked(scope, session.visitorId, true)
    },
  },
  {
    title: "the owner keeps the visitor's network out",
    end: async (deployment, { shop }) => {
      const { scope, blockNetwork } = await actAsOwner(deployment, shop)
      await blockNetwork(scope, shop.keyId, "10.0.0.0/8")
    },
  },
  {
    title: "someone switches the key off by hand, in SQL",
    end: byHand("update embed_keys set status = 'disabled' where id = $1"),
  },
  {
    title: "someone deletes the website by hand, in SQL",
    end: byHand("delete from embed_key_origins where key_id = $1"),
  },
  {
    title: "the key is switched off after both processes lost the line that brings such news",
    end: async (deployment, { shop }) => {
      const lost = await runSql(
        deployment,
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'coatcheck-listen'",
      )
      expect(lost.length).toBeGreaterThan(0)
      await patchKey(shop, { status: "disabled" })
    },
  },
]

for (const { title, end } of endings)
  test(`${title}: the answer being written is cut within a second, the next request is refused, on both processes`, async ({
    deployment,
  }) => {
    const shop = await openShop(deployment)
    const scene = { shop, session: await openSession(deployment, shop, { process: 1 }) }
    const { token } = scene.session
    const other = await openSession(deployment, shop)
    const ids = await runSql(deployment, "select id from sessions where tenant_id = $1", [
      shop.tenantId,
    ])
    expect(ids).toHaveLength(2)
    const marker = `${scripts.slow} ${newAddress()}`
    const response = await sendMessage(deployment, token, `${returnsQuestion} ${marker}`, {
      process: 1,
    })
    const parts: Part[] = []
    const reading = (async () => {
      for await (const part of readParts(response)) parts.push(part)
    })()
    await deployment.model.waitForCall(marker, ({ tokensSent }) => tokensSent > 3)

    await end(deployment, scene)
    const thrownAt = performance.now()
    const [first, second] = await Promise.all([
      knock(deployment, token, 0),
      knock(deployment, token, 1),
    ])
    await Promise.all([
      reading,
      deployment.model.waitForCall(marker, ({ outcome }) => outcome === "aborted"),
    ])
    expect(performance.now() - thrownAt).toBeLessThan(1_000)
    expect(parts.map(({ type }) => type)).toContain("data-revoked")
    expect(parts.map(({ type }) => type)).not.toContain("finish")
    expectRefusal(first, 401)
    expectRefusal(second, 401)
    // Whoever else came the same way is where the switch was meant to leave them.
    const isAboutOne = /^T20/.test(title)
    expect(await opens(deployment, other.token, 1)).toBe(isAboutOne)
    await disconnectLibraries()
  })

for (const [how, end] of [
  ["suspended", "PATCH"],
  ["deleted", "DELETE"],
] as const)
  test(`T19 a tenant that is ${how} is out everywhere: chat, counter, API and console, on both processes`, async ({
    deployment,
  }) => {
    const { shop, session } = await (async () => {
      const own = await openShop(deployment)
      return { shop: own, session: await openSession(deployment, own) }
    })()
    const cookie = await (await makePeople(deployment))(shop.tenantId, "owner")
    const consolePaths = [`/console/${shop.tenantId}`, `/api/console/${shop.tenantId}/audit`]
    const openConsole = (path: string, process: number) => {
      const appUrls = deployment.processUrls.map((url) => url.replace("127.0.0.1", "localhost"))
      return call({ processUrls: appUrls }, path, { process, headers: { cookie } })
    }
    for (const path of consolePaths) {
      const { status, headers } = await openConsole(path, 0)
      expect(status === 200 || headers.get("location")?.includes(shop.botId), path).toBe(true)
    }
    const body = end === "PATCH" ? { status: "suspended" } : undefined
    await operate(deployment, shop.tenantId, end, body)
    for (const process of [1, 0]) {
      expectRefusal(await knock(deployment, session.token, process), 401)
      expectRefusal(await showKey(deployment, shop.key, { origin: shop.origin, process }), 401)
      expectRefusal(await shop.api("/v1/bots", { process }), 401)
      for (const path of consolePaths) {
        const answer = await openConsole(path, process)
        expect([401, 403, 404, 307], path).toContain(answer.status)
        expect(answer.text + answer.headers.get("location"), path).not.toContain(shop.botId)
      }
    }
  })

test(`T22 ${rounds(300, 10_000).toLocaleString("en")} messages that start after the switch was thrown, amid others: none is accepted, on either process`, async ({
  deployment,
}) => {
  test.setTimeout(rounds(120_000, 1_800_000))
  const shop = await openShop(deployment, { limits: wideLimits })
  const late = new Map<number, number>()
  for (let round = 0; round < rounds(6, 200); round++) {
    const sessions = await Promise.all(
      Array.from({ length: 10 }, (_, i) => openSession(deployment, shop, { process: i % 2 })),
    )
    let isOff = false
    const fire = async ({ token }: Session, process: number) => {
      while (!isOff) await knock(deployment, token, process)
      for (let i = 0; i < 5; i++) {
        const { status } = await knock(deployment, token, (process + i) % 2)
        late.set(status, (late.get(status) ?? 0) + 1)
      }
    }
    const firing = sessions.map((session, i) => fire(session, i % 2))
    await patchKey(shop, { status: "disabled" })
    isOff = true
    await Promise.all(firing)
    await patchKey(shop, { status: "active" })
  }
  expect([...late]).toEqual([[401, rounds(300, 10_000)]])
})

test("T26 a renewal is the whole exchange again: no old token and no evil page renews anything", async ({
  deployment,
}) => {
  const { shop } = await enter(deployment)
  const session = await openSession(deployment, shop)
  const { visitorSecret } = session
  const expired = forge(deployment, session, { claims: { iat: now() - 400, exp: now() - 100 } })
  const redeem = (body: object, headers: Record<string, string> = {}) =>
    call(deployment, "/api/embed/session", { ip: newAddress(), headers, body })
  expectRefusal(await redeem({ ticket: expired, visitorSecret }), 401)
  expectRefusal(await redeem({ ticket: session.token, visitorSecret }), 401)
  expectRefusal(await redeem({ visitorSecret }, { authorization: `Bearer ${expired}` }), 422)
  for (const origin of ["https://evil.test", null, "null"])
    expectRefusal(await showKey(deployment, shop.key, { origin }), 403, String(origin))
  const ticket = await buyTicket(deployment, shop)
  const evil = await redeem({ ticket, visitorSecret }, { origin: "https://evil.test" })
  expectRefusal(evil, 401)
  const renewed = await redeem({ ticket, visitorSecret })
  expect([renewed.status, renewed.body.sessionId]).toEqual([201, session.sessionId])
  expectRefusal(await redeem({ ticket, visitorSecret }), 401)
})

test("T29 nothing about a token or an answer may be kept by anyone on the way", async ({
  deployment,
}) => {
  const { shop } = await enter(deployment)
  const bought = await showKey(deployment, shop.key, { origin: shop.origin })
  const opened = await call<Session>(deployment, "/api/embed/session", {
    ip: newAddress(),
    body: { ticket: bought.body.ticket },
  })
  const said = await knock(deployment, opened.body.token)
  const refused = await knock(deployment, `${opened.body.token}x`)
  const answers = { bought, opened, said, refused }
  expect(Object.values(answers).map(({ status }) => status)).toEqual([201, 201, 200, 401])
  for (const [what, { headers }] of Object.entries(answers)) {
    expect(headers.get("cache-control"), what).toMatch(/\bno-store\b/)
    for (const name of ["etag", "last-modified", "expires"])
      expect(headers.get(name), `${what} ${name}`).toBeNull()
  }
})

test("T31 nothing that was done to this deployment so far left a token, a whole key or a credential in its logs", async ({
  deployment,
}) => {
  const { shop, session } = await enter(deployment)
  await knock(deployment, session.token)
  // Credentials in places where people put them by mistake: paths and queries are what logs like to keep.
  for (const secret of [session.token, shop.key, shop.secretKey, deployment.masterKey])
    for (const path of [
      `/v1/bots/${secret}`,
      `/v1/${secret}`,
      `/embed?key=${secret}`,
      `/api/${secret}`,
    ])
      await call(deployment, path, { headers: { authorization: `Bearer ${secret}` } })
  const logs = deployment.logs()
  expect(logs).toContain('"path":"/api/embed/chat"')
  const patterns = {
    "a signed token": /ey[\w-]{10,}\.[\w-]{10,}\.[\w-]*/,
    "a whole embed key": /pk_(live|test)_[0-9a-f]{24}_[0-9a-f]{24}/,
    "an API key": /sk_[0-9a-f]{48}/,
    "a credential": /bearer [\w-]{8}/i,
    "the master key": new RegExp(deployment.masterKey),
  }
  for (const [what, pattern] of Object.entries(patterns))
    expect(pattern.exec(logs)?.[0] ?? "", what).toBe("")
})
