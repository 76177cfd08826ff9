import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest"
import { listAuditEvents } from "#lib/audit/queries.ts"
import { answerQuestion } from "#lib/chat/answer.ts"
import { tryTenantModel } from "#lib/chat/commands.ts"
import { effectiveLimits } from "#lib/limits/schema.ts"
import { settleSpend } from "#lib/limits/spend.ts"
import { log } from "#lib/log.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import {
  type MadeTenant,
  makeBot,
  makeEmbedKey,
  makeTenant,
  makeTextSource,
  makeVisitor,
  scopeAs,
} from "#prisma/factories.ts"
import { withClient } from "#runtime/database-roles.ts"
import { removeTenantModel, saveTenantModel } from "./commands.ts"
import { findModelFor, findTenantModel } from "./queries.ts"
import type { SaveModelInput } from "./schema.ts"

// A provider on 127.0.0.79 stands for the public internet; a sink on 127.0.0.2 for what a redirect or a
// changed name must never reach. The rules have these holes in tests alone.

const world = vi.hoisted(() => ({ names: {} as Record<string, string[]> }))
vi.mock("#lib/outbound/fetch.ts", async () => {
  const { createOutbound } = await import("#lib/outbound/outbound.ts")
  const loosened = createOutbound({
    resolve: async (host) => world.names[host] ?? [],
    isAllowedAddress: (address) => address === "127.0.0.79",
    isAllowedPort: () => true,
  })
  const allowsHttp = true
  return {
    fetchOutbound: loosened.fetch,
    vetOutbound: (url: string) => loosened.vet(url, { allowsHttp }),
    streamOutbound: (url: string, options = {}) => loosened.stream(url, { ...options, allowsHttp }),
  }
})

type Reply = (response: ServerResponse, request: IncomingMessage) => void
type Seen = { url: string; headers: IncomingMessage["headers"]; body: Record<string, unknown> }

let provider: Server
let sink: Server
let sinkHits = 0
let reply: Reply
let port: number
let tenant: MadeTenant
const seen: Seen[] = []
const key = "sk-tenant-secret-4711"

const listen = (server: Server, address: string) =>
  new Promise<number>((resolve) =>
    server.listen(0, address, () => resolve((server.address() as AddressInfo).port)),
  )

beforeAll(async () => {
  provider = createServer((request, response) => {
    let body = ""
    request.on("data", (part) => {
      body += part
    })
    request.on("end", () => {
      seen.push({ url: request.url ?? "", headers: request.headers, body: JSON.parse(body) })
      reply(response, request)
    })
  })
  sink = createServer((_, response) => {
    sinkHits += 1
    response.end("inner")
  })
  port = await listen(provider, "127.0.0.79")
  await listen(sink, "127.0.0.2")
})
beforeEach(async () => {
  world.names = { "model.example.com": ["127.0.0.79"], "other.example.com": ["127.0.0.79"] }
  seen.length = 0
  sinkHits = 0
  reply = says("Hello", " there")
  tenant = await makeTenant()
})
afterEach(() => vi.restoreAllMocks())
afterAll(async () => {
  for (const server of [provider, sink]) {
    server.closeAllConnections()
    server.close()
  }
  await disconnect()
})

const chunk = (choice: object, more: object = {}) =>
  `data: ${JSON.stringify({
    id: "1",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index: 0, delta: {}, finish_reason: null, ...choice }],
    ...more,
  })}\n\n`
const usage = {
  prompt_tokens: 100,
  completion_tokens: 10,
  total_tokens: 110,
  prompt_tokens_details: { cached_tokens: 40 },
}
function says(...words: string[]): Reply {
  return (response) => {
    response.writeHead(200, { "content-type": "text/event-stream", "set-cookie": "a=b" })
    for (const content of words) response.write(chunk({ delta: { content } }))
    response.end(`${chunk({ finish_reason: "stop" }, { usage })}data: [DONE]\n\n`)
  }
}
const at = (host: string) => `http://${host}:${port}/v1`
const input = (more: Partial<SaveModelInput> = {}): SaveModelInput => ({
  provider: "openai-compatible",
  url: at("model.example.com"),
  name: "own-model",
  apiKey: key,
  inputPrice: "15",
  cachedPrice: "7.5",
  outputPrice: "60",
  ...more,
})
const save = (more: Partial<SaveModelInput> = {}) => saveTenantModel(tenant.scope, input(more))
const withoutKey = (more: Partial<SaveModelInput> = {}) => {
  const { apiKey: _, ...rest } = input(more)
  return saveTenantModel(tenant.scope, rest)
}

describe("a tenant's own model", () => {
  test("is kept with a sealed key that nobody gets back, and every change is in the audit log", async () => {
    const view = await save()
    expect(view).toMatchObject({ name: "own-model", lastFour: "4711", outputPrice: "60" })
    await withoutKey({ name: "newer-model" })
    const shown = await findTenantModel(tenant.scope)
    expect(shown).toMatchObject({ name: "newer-model", lastFour: "4711" })
    const { data: events } = await listAuditEvents(tenant.scope, { limit: 50 })
    await removeTenantModel(tenant.scope)
    expect(await findTenantModel(tenant.scope)).toBeNull()
    const changes = events.filter(({ action }) => action.startsWith("model."))
    expect(changes.map(({ after }) => after?.name)).toEqual(["newer-model", "own-model"])
    expect(JSON.stringify([view, shown, events])).not.toContain(key)
  })

  test("keeps address and key as one record: another address or provider needs its key again", async () => {
    await save()
    const again = { code: "invalid", issues: [expect.objectContaining({ path: "apiKey" })] }
    for (const change of [
      { url: at("other.example.com") },
      { url: `${at("model.example.com")}/else` },
      { provider: "anthropic" as const },
    ])
      await expect(withoutKey(change)).rejects.toMatchObject(again)
    expect(await findTenantModel(tenant.scope)).toMatchObject({ url: at("model.example.com") })
    await save({ url: at("other.example.com"), apiKey: "sk-of-the-other-0815" })
    await findModelFor(tenant.scope)
    await tryTenantModel(tenant.scope)
    expect(seen.map(({ headers }) => [headers.host, headers.authorization])).toEqual([
      [`other.example.com:${port}`, "Bearer sk-of-the-other-0815"],
    ])
  })

  test("opens for no other tenant: the key is tied to its row", async () => {
    await save()
    const other = await makeTenant()
    expect(await findTenantModel(other.scope)).toBeNull()
    expect(await findModelFor(other.scope)).toBeNull()
    await saveTenantModel(
      other.scope,
      input({ url: at("other.example.com"), apiKey: "sk-other-key" }),
    )
    await withClient(process.env.TEST_OWNER_URL!, async (client) => {
      await client.query("alter table tenant_models no force row level security")
      await client.query(
        `update tenant_models set secret = (select secret from tenant_models where tenant_id = $1) where tenant_id = $2`,
        [tenant.tenantId, other.tenantId],
      )
      await client.query("alter table tenant_models force row level security")
    })
    const error = vi.spyOn(log, "error").mockImplementation(() => {})
    // Its bots quote: neither this key nor the deployment's money speaks for it.
    expect(await findModelFor(other.scope)).toBeNull()
    expect(error).toHaveBeenCalledWith(
      expect.objectContaining({ code: "model_key_unusable", tenantId: other.tenantId }),
      expect.any(String),
    )
  })

  test("that two admins save for the first time at once opens with the key saved last", async () => {
    await withClient(process.env.TEST_OWNER_URL!, async (client) => {
      // Both may read what is there, and neither may write yet.
      await client.query("begin; lock table tenant_models in share mode")
      const saves = ["sk-at-once-0001", "sk-at-once-0002"].map((apiKey) => save({ apiKey }))
      await vi.waitFor(async () => {
        const { rows } = await client.query("select 1 from pg_locks where not granted")
        expect(rows.length).toBeGreaterThanOrEqual(2)
      }, 5_000)
      await client.query("commit")
      await Promise.all(saves)
    })
    const shown = await findTenantModel(tenant.scope)
    await tryTenantModel(tenant.scope)
    expect(seen[0]!.headers.authorization).toBe(`Bearer sk-at-once-${shown!.lastFour}`)
    const { data } = await listAuditEvents(tenant.scope, { limit: 50 })
    const saved = data.filter(({ action }) => action === "model.saved")
    expect(saved.filter(({ before }) => !before)).toHaveLength(1)
  })

  test.each([
    ["an inner address", { url: "https://127.0.0.2/v1" }, "url_not_allowed"],
    ["a name of an inner address", { url: "https://inner.example.com/v1" }, "url_not_allowed"],
    [
      "a name of the deployment's network",
      { url: "https://metadata.google.internal/v1" },
      "url_not_allowed",
    ],
    ["no address for a compatible one", { url: "" }, "invalid"],
    ["no key", { apiKey: undefined }, "invalid"],
  ])("is refused with %s", async (_, change, code) => {
    world.names["inner.example.com"] = ["127.0.0.2"]
    await expect(
      saveTenantModel(tenant.scope, { ...input(), ...change } as SaveModelInput),
    ).rejects.toMatchObject({ code })
  })

  test.each(["", "soon", "-1", "1e3", "1.2345"])(
    "is refused at the price %j",
    async (inputPrice) => {
      await expect(save({ inputPrice })).rejects.toThrow()
      expect(await findTenantModel(tenant.scope)).toBeNull()
    },
  )

  test("is the owner's and admins' to set", async () => {
    for (const role of ["member", "viewer"] as const) {
      const scope = scopeAs(tenant, role)
      for (const act of [
        () => saveTenantModel(scope, input()),
        () => removeTenantModel(scope),
        () => findTenantModel(scope),
        () => tryTenantModel(scope),
      ])
        await expect(act()).rejects.toMatchObject({ code: "forbidden" })
    }
  })
})

describe("one word", () => {
  test("is asked with the tenant's key alone, booked at the tenant's price, cached tokens at theirs", async () => {
    await save()
    expect(await tryTenantModel(tenant.scope)).toEqual({
      word: "Hello there",
      inputTokens: 100,
      outputTokens: 10,
    })
    expect(seen[0]).toMatchObject({
      url: "/v1/chat/completions",
      headers: { authorization: `Bearer ${key}` },
      body: { model: "own-model" },
    })
    expect(seen[0]!.headers["user-agent"]).toMatch(/^Coatcheck/)
    const [entry] = await withTenant(tenant.scope, (tx) => tx.usageEntry.findMany({}))
    expect(entry).toMatchObject({
      model: "own-model",
      costNanos: 60n * 15_000n + 40n * 7_500n + 10n * 60_000n,
    })
  })

  test("costs the deployment nothing, and nothing at all at the price 0", async () => {
    const read = () =>
      withClient(process.env.TEST_OWNER_URL!, async (client) => {
        const { rows } = await client.query(
          "select coalesce(sum(spent_nanos + reserved_nanos), 0)::text as sum from limits.deployment_spend",
        )
        return rows[0].sum as string
      })
    const before = await read()
    await save({ inputPrice: "100000000", cachedPrice: "0", outputPrice: "0" })
    // Beyond the tenant's month: no call.
    await expect(tryTenantModel(tenant.scope)).rejects.toMatchObject({ code: "invalid" })
    expect(seen).toEqual([])
    await save({ inputPrice: "0", cachedPrice: "0", outputPrice: "0" })
    await tryTenantModel(tenant.scope)
    expect(await read()).toBe(before)
  })

  test.each<[string, Reply, RegExp]>([
    ["a refused key", (r) => r.writeHead(401).end(`{"error":"${key}"}`), /refused the key/],
    ["an unknown model", (r) => r.writeHead(404).end("{}"), /does not know/],
    ["another error", (r) => r.writeHead(418).end(`inner words ${key}`), /error 418/],
    [
      "a redirect",
      (r) => r.writeHead(307, { location: "http://127.0.0.2/" }).end(),
      /could not be reached/,
    ],
    [
      "a page of HTML",
      (r) => r.writeHead(200, { "content-type": "text/html" }).end("<p>inner"),
      /./,
    ],
    ["silence", says(), /said nothing/],
  ])("with %s says what to do, in our words, and leaks no key", async (_, answer, words) => {
    const lines: unknown[] = []
    vi.spyOn(log, "warn").mockImplementation((...line: unknown[]) => void lines.push(line))
    await save()
    reply = answer
    const failure = await tryTenantModel(tenant.scope).catch((error) => error)
    expect(failure).toMatchObject({ code: "invalid" })
    expect(failure.detail).toMatch(words)
    expect(failure.detail + JSON.stringify(lines)).not.toMatch(/sk-tenant|inner/)
    expect(sinkHits).toBe(0)
    expect(await withTenant(tenant.scope, (tx) => tx.spendReservation.count())).toBe(0)
  })

  test("is not asked of a name that has moved inside since it was saved", async () => {
    await save()
    world.names["model.example.com"] = ["127.0.0.2"]
    await expect(tryTenantModel(tenant.scope)).rejects.toMatchObject({ code: "invalid" })
    expect([sinkHits, seen]).toEqual([0, []])
  })
})

describe("a visitor's question", () => {
  test("is answered by the tenant's own model, booked on the key, and cut at the provider when they leave", async () => {
    await save()
    const bot = await makeBot(tenant.scope)
    await makeTextSource(tenant.scope, bot.id, {
      title: "Returns",
      text: "You may return shoes within ninety days if the box is whole.",
    })
    const embedKey = await makeEmbedKey(tenant.scope, bot.id)
    const { scope } = await makeVisitor(embedKey.key)
    const limits = effectiveLimits("live", {})
    const question = {
      question: "May I return shoes within ninety days?",
      history: [],
      bot: { name: bot.name, instructions: "", locale: null },
    }
    const run = async (signal: AbortSignal) => {
      let text = ""
      for await (const event of answerQuestion(scope, question, { limits, signal })) {
        if (event.type === "text") text += event.text
        if (event.type === "end" && event.spend) {
          const { usage: spent, reservation } = event.spend
          await withTenant(scope, (tx) => settleSpend(tx, scope, reservation, spent.costNanos))
        }
        if (event.type === "end") return { text, mode: event.mode }
      }
    }
    reply = says("Ninety days [1].")
    expect(await run(new AbortController().signal)).toMatchObject({ mode: "model" })
    const [sum] = await withTenant(tenant.scope, (tx) =>
      tx.spendCounter.findMany({ where: { subject: `key:${embedKey.id}` } }),
    )
    expect(sum!.spentNanos).toBeGreaterThan(0n)

    const leaving = new AbortController()
    const closed = new Promise<void>((resolve) => {
      reply = (response) => {
        response.on("close", () => resolve())
        response.writeHead(200, { "content-type": "text/event-stream" })
        response.write(chunk({ delta: { content: "Ninety days" } }), () => leaving.abort())
      }
    })
    await run(leaving.signal)
    await closed
  })
})
