import fc from "fast-check"
import { Client } from "pg"
import { afterAll, beforeAll, expect, test } from "vitest"
import { isLong, rounds } from "#e2e/attack/rounds.ts"
import { authenticateSession } from "#lib/admission/sessions.ts"
import { listAuditEvents } from "#lib/audit/queries.ts"
import { authenticateApiKey } from "#lib/auth/keys.ts"
import { getUsage } from "#lib/billing/queries.ts"
import { createBot, deleteBot, updateBot } from "#lib/bots/commands.ts"
import { listBots } from "#lib/bots/queries.ts"
import { listConversations } from "#lib/conversations/queries.ts"
import { beginTurn, finishTurn } from "#lib/conversations/turn.ts"
import { env } from "#lib/env.ts"
import type { Failure } from "#lib/errors.ts"
import { createApiKey, deleteApiKey } from "#lib/keys/api-keys.ts"
import {
  createEmbedKey,
  deleteEmbedKey,
  rotateEmbedKey,
  updateEmbedKey,
} from "#lib/keys/commands.ts"
import { getEmbedKey } from "#lib/keys/queries.ts"
import { addTextSource } from "#lib/knowledge/add-sources.ts"
import { deleteSource } from "#lib/knowledge/commands.ts"
import { ingestSource } from "#lib/knowledge/ingest.ts"
import { searchKnowledge } from "#lib/knowledge/search.ts"
import { effectiveLimits } from "#lib/limits/schema.ts"
import { reserveSpend } from "#lib/limits/spend.ts"
import { makeTenant, makeVisitor, scopeAs, shopOrigin } from "#prisma/factories.ts"
import { listTenantTables, type TenantTable } from "./catalog.fixture.ts"
import { disconnect } from "./database.ts"
import { findLiveSessions } from "./directory.ts"
import type { TenantScope } from "./scope.ts"

// A model of two tenants beside the real ones. Random people, keys, visitors and strangers act on random
// things of either tenant; the model says what must come of it. After every step: the other tenant's rows are
// as they were, every pass is as dead or alive as the model says, no count is above its limit, and the ledger
// adds up.

const messagesPerDay = 12
const costNanos = 5n

type ModelBot = { id: string; tenant: number; isPublished: boolean; isGone: boolean }
type ModelSource = { id: string; tenant: number; bot: ModelBot; isGone: boolean }
type ModelKey = {
  id: string
  tenant: number
  bot: ModelBot
  line: string
  isOn: boolean
  isGone: boolean
  used: number
}
type ModelPass = {
  tenant: number
  key: ModelKey
  token: string
  sessionId: string
  isDead: boolean
}
type ModelSecret = { id: string; tenant: number; secret: string; isGone: boolean }

type Model = {
  bots: ModelBot[]
  sources: ModelSource[]
  keys: ModelKey[]
  passes: ModelPass[]
  secrets: ModelSecret[]
  spent: bigint[]
}

type Real = {
  tenants: { scope: TenantScope; viewer: TenantScope; canary: string; tenantId: string }[]
  sums: string[]
}

let admin: Client
let tables: TenantTable[]

beforeAll(async () => {
  const superuser = new URL(process.env.TEST_SUPERUSER_URL ?? "")
  superuser.pathname = new URL(env.DATABASE_URL ?? "").pathname
  admin = new Client({ connectionString: superuser.href })
  await admin.connect()
  tables = await listTenantTables(admin)
})
afterAll(async () => {
  await admin.end()
  await disconnect()
})

const addressRow = "198.51.100.1"
const limits = effectiveLimits("live", { messagesPerDay, messagesPerDayPerIpPercent: 100 })

/** Every row of a tenant in one sum. That a request was refused is counted, whoever made it. */
async function sumRows(tenantId: string): Promise<string> {
  const parts = tables
    .filter(({ name }) => name !== "refusals")
    .map(
      ({ name, tenantColumn }) =>
        `select '${name}' || md5(coalesce(string_agg((to_jsonb(t) - 'last_used_at')::text, '' order by t::text), '')) as sum
         from public.${name} t where ${tenantColumn} = $1`,
    )
  const { rows } = await admin.query<{ sum: string }>(parts.join(" union all "), [tenantId])
  return rows
    .map(({ sum }) => sum)
    .sort()
    .join()
}

type Who =
  | { kind: "owner" | "viewer" | "stranger"; tenant: number }
  | { kind: "apiKey" | "visitor"; tenant: number; at: number }

/** Who acts, as the credential that they hold says: what cannot be proven is `unauthorized`. */
async function enter(who: Who, model: Model, real: Real): Promise<TenantScope> {
  const unauthorized = Object.assign(new Error("nobody"), { code: "unauthorized" })
  if (who.kind === "owner") return real.tenants[who.tenant]!.scope
  if (who.kind === "viewer") return real.tenants[who.tenant]!.viewer
  if (who.kind === "apiKey") {
    const own = model.secrets.filter(({ tenant }) => tenant === who.tenant)
    const held = own[who.at % Math.max(1, own.length)]
    if (!held) throw unauthorized
    const proven = await authenticateApiKey(
      new Headers({ authorization: `Bearer ${held.secret}` }),
      addressRow,
    ).catch((error: Failure) => error)
    expect(proven instanceof Error, "a deleted API key is dead, a live one is not").toBe(
      held.isGone,
    )
    if (proven instanceof Error) throw unauthorized
    return proven.scope
  }
  if (who.kind === "visitor") {
    const held = findPass(model, who)
    if (!held) throw unauthorized
    return enterAsVisitor(held)
  }
  throw unauthorized
}

const findPass = (model: Model, who: { tenant: number; at: number }) => {
  const own = model.passes.filter(({ tenant }) => tenant === who.tenant)
  return own[who.at % Math.max(1, own.length)]
}

async function enterAsVisitor(pass: ModelPass) {
  const proven = await authenticateSession(pass.token, { origin: null, ip: addressRow }).catch(
    (error: Failure) => error,
  )
  expect(proven instanceof Error, "a dead pass is dead, a live one is not").toBe(pass.isDead)
  if (proven instanceof Error) throw proven
  return proven.scope
}

type Outcome<T> = { isDone: true; value: T } | { isDone: false; code: string }

async function settle<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { isDone: true, value: await work() }
  } catch (error) {
    const { code } = error as { code?: string }
    if (!code || !/^[a-z_]+$/.test(code)) throw error
    return { isDone: false, code }
  }
}

type Target = { tenant: number; isGone: boolean }

/** What must come of writing: done only by the owner or an API key of the thing's own tenant. */
function judgeWrite<T>(
  who: Who,
  target: Target | null,
  outcome: Outcome<T>,
): outcome is { isDone: true; value: T } {
  const isOwn = target === null || (target.tenant === who.tenant && !target.isGone)
  if (outcome.isDone) {
    expect(isOwn, "only one's own things change").toBe(true)
    expect(["owner", "apiKey"], "only who may write has written").toContain(who.kind)
    return true
  }
  expect(["unauthorized", "forbidden", "not_found", "conflict"]).toContain(outcome.code)
  if (who.kind === "owner" && isOwn) expect(outcome.code).toBe("conflict")
  return false
}

const killPasses = (model: Model, isHit: (pass: ModelPass) => boolean) => {
  for (const pass of model.passes) if (isHit(pass)) pass.isDead = true
}

/** One step: what it does, and then what must hold whatever it was. */
class Step implements fc.AsyncCommand<Model, Real> {
  readonly name: string
  readonly who: Who
  readonly act: (model: Model, real: Real, who: Who) => Promise<void>
  constructor(name: string, who: Who, act: Step["act"]) {
    this.name = name
    this.who = who
    this.act = act
  }
  check = () => true
  /** A stranger can do what any visitor can, and nothing else. */
  get isByNobody() {
    return this.who.kind === "stranger" && !/^(buyPass|chat)/.test(this.name)
  }
  async run(model: Model, real: Real): Promise<void> {
    await this.act(model, real, this.who)
    steps += 1
    await this.holdInvariants(model, real)
  }
  async holdInvariants(model: Model, real: Real) {
    const sums = await Promise.all(real.tenants.map(({ tenantId }) => sumRows(tenantId)))
    for (const [tenant, sum] of sums.entries())
      if (tenant !== this.who.tenant || this.isByNobody)
        expect(sum === real.sums[tenant], `${this} left tenant ${tenant} as it was`).toBe(true)
    real.sums = sums
    const live = await findLiveSessions(model.passes.map(({ sessionId }) => sessionId))
    expect(new Set(live.map(({ sessionId }) => sessionId))).toEqual(
      new Set(model.passes.filter(({ isDead }) => !isDead).map(({ sessionId }) => sessionId)),
    )
    const { rows: counts } = await admin.query<{ name: string; used: number }>(
      "select name, used from counters where name = any ($1)",
      [model.keys.map(({ id }) => `messages:${id}`)],
    )
    for (const key of model.keys) {
      const used = counts.find(({ name }) => name === `messages:${key.id}`)?.used ?? 0
      expect(used).toBe(key.used)
      expect(used).toBeLessThanOrEqual(messagesPerDay)
    }
    for (const [tenant, { tenantId }] of real.tenants.entries()) {
      const { rows } = await admin.query<{ spent: string; reserved: string; booked: string }>(
        `select coalesce(sum(spent_nanos), 0) as spent, coalesce(sum(reserved_nanos), 0) as reserved,
          (select coalesce(sum(cost_nanos), 0) from usage_entries where tenant_id = $1) as booked
         from spend_counters where tenant_id = $1 and subject = 'tenant'`,
        [tenantId],
      )
      expect(rows[0]).toEqual({
        spent: String(model.spent[tenant]),
        reserved: "0",
        booked: String(model.spent[tenant]),
      })
    }
  }
  toString = () => `${this.name} by ${JSON.stringify(this.who)}`
}

let steps = 0

const pick = <T>(all: T[], at: number): T | undefined => all[at % Math.max(1, all.length)]

/** Nothing of the other tenant in whatever was shown. */
function judgeShown(who: Who, real: Real, shown: unknown) {
  const text = JSON.stringify(shown, (_, value) => (typeof value === "bigint" ? `${value}` : value))
  const other = real.tenants[1 - who.tenant]!
  expect(text).not.toContain(other.canary)
  expect(text).not.toContain(other.tenantId)
}

type Act = (model: Model, real: Real, who: Who, at: number, flag: boolean) => Promise<void>

const acts: Record<string, Act> = {
  async createBot(model, real, who) {
    const { canary } = real.tenants[who.tenant]!
    const outcome = await settle(async () =>
      createBot(await enter(who, model, real), { name: canary.slice(0, 40) }),
    )
    if (!judgeWrite(who, null, outcome)) return
    model.bots.push({ id: outcome.value.id, tenant: who.tenant, isPublished: false, isGone: false })
  },
  async renameBot(model, real, who, at) {
    const bot = pick(model.bots, at)
    if (!bot) return
    const outcome = await settle(async () =>
      updateBot(await enter(who, model, real), bot.id, {
        greeting: real.tenants[who.tenant]!.canary,
      }),
    )
    if (judgeWrite(who, bot, outcome)) judgeShown(who, real, outcome.value)
  },
  async publishBot(model, real, who, at, flag) {
    const bot = pick(model.bots, at)
    if (!bot) return
    const outcome = await settle(async () =>
      updateBot(await enter(who, model, real), bot.id, { published: flag }),
    )
    if (!judgeWrite(who, bot, outcome)) return
    if (bot.isPublished && !flag) killPasses(model, (pass) => pass.key.bot === bot)
    bot.isPublished = flag
  },
  async deleteBot(model, real, who, at) {
    const bot = pick(model.bots, at)
    if (!bot) return
    const outcome = await settle(async () => deleteBot(await enter(who, model, real), bot.id))
    if (!judgeWrite(who, bot, outcome)) return
    bot.isGone = true
    killPasses(model, (pass) => pass.key.bot === bot)
    // What belongs to the bot alone goes with it.
    for (const own of [...model.keys, ...model.sources]) if (own.bot === bot) own.isGone = true
  },
  async addSource(model, real, who, at) {
    const bot = pick(model.bots, at)
    if (!bot) return
    const { canary } = real.tenants[who.tenant]!
    const outcome = await settle(async () => {
      const scope = await enter(who, model, real)
      const text = `The secret word of the house is ${canary}, whatever the bot.`
      const source = await addTextSource(scope, bot.id, { title: "Secret", text })
      expect(await ingestSource(source.id)).toBe("ready")
      return source
    })
    if (!judgeWrite(who, bot, outcome)) return
    model.sources.push({ id: outcome.value.id, tenant: who.tenant, bot, isGone: false })
  },
  async deleteSource(model, real, who, at) {
    const source = pick(model.sources, at)
    if (!source) return
    const outcome = await settle(async () => deleteSource(await enter(who, model, real), source.id))
    if (outcome.isDone && source.tenant === who.tenant && !source.isGone) source.isGone = true
    else judgeWrite(who, { ...source, isGone: true }, outcome)
  },
  async createKey(model, real, who, at) {
    const bot = pick(model.bots, at)
    if (!bot) return
    const outcome = await settle(async () =>
      createEmbedKey(await enter(who, model, real), bot.id, {
        mode: "live",
        allowedOrigins: [shopOrigin],
        limits: { messagesPerDay, ticketsPerMinute: 100_000, ticketsPerMinutePerIp: 100_000 },
      }),
    )
    if (!judgeWrite(who, bot, outcome)) return
    const { id, key: line } = outcome.value
    const { tenant } = who
    model.keys.push({ id, tenant, bot, line, isOn: true, isGone: false, used: 0 })
  },
  async rotateKey(model, real, who, at) {
    const key = pick(model.keys, at)
    if (!key) return
    const outcome = await settle(async () =>
      rotateEmbedKey(await enter(who, model, real), key.id, { overlapSeconds: 0 }),
    )
    if (!judgeWrite(who, key, outcome)) return
    key.line = outcome.value.key
    killPasses(model, (pass) => pass.key === key)
  },
  async switchKey(model, real, who, at, flag) {
    const key = pick(model.keys, at)
    if (!key) return
    const outcome = await settle(async () =>
      updateEmbedKey(await enter(who, model, real), key.id, {
        status: flag ? "active" : "disabled",
      }),
    )
    if (!judgeWrite(who, key, outcome)) return
    if (key.isOn && !flag) killPasses(model, (pass) => pass.key === key)
    key.isOn = flag
  },
  async deleteKey(model, real, who, at) {
    const key = pick(model.keys, at)
    if (!key) return
    const outcome = await settle(async () => deleteEmbedKey(await enter(who, model, real), key.id))
    if (!judgeWrite(who, key, outcome)) return
    key.isGone = true
    killPasses(model, (pass) => pass.key === key)
  },
  async readKey(model, real, who, at) {
    const key = pick(model.keys, at)
    if (!key) return
    const outcome = await settle(async () => getEmbedKey(await enter(who, model, real), key.id))
    if (!outcome.isDone) return
    expect([key.tenant, key.isGone]).toEqual([who.tenant, false])
    judgeShown(who, real, outcome.value)
  },
  async createApiKey(model, real, who) {
    const outcome = await settle(async () =>
      createApiKey(await enter(who, model, real), { name: "Key" }),
    )
    if (!judgeWrite(who, null, outcome)) return
    const { id, secret } = outcome.value
    model.secrets.push({ id, tenant: who.tenant, secret, isGone: false })
  },
  async deleteApiKey(model, real, who, at) {
    const held = pick(model.secrets, at)
    if (!held) return
    const outcome = await settle(async () => deleteApiKey(await enter(who, model, real), held.id))
    if (judgeWrite(who, held, outcome)) held.isGone = true
  },
  async buyPass(model, real, who, at) {
    const key = pick(
      model.keys.filter(({ tenant }) => tenant === who.tenant),
      at,
    )
    if (!key) return
    const isOpen = key.isOn && !key.isGone && key.bot.isPublished && !key.bot.isGone
    const outcome = await settle(() => makeVisitor(key.line, { ip: addressRow }))
    if (!outcome.isDone && outcome.code === "bot_check_required") {
      // Half of a day's messages in one hour: the key asks everyone for a proof of work now.
      expect(isOpen && key.used * 2 >= messagesPerDay).toBe(true)
      return
    }
    expect(outcome.isDone, "a live key sells a pass, a dead one none").toBe(isOpen)
    if (!outcome.isDone) return
    expect(outcome.value.scope.tenantId).toBe(real.tenants[who.tenant]!.tenantId)
    const { token, sessionId } = outcome.value
    model.passes.push({ tenant: who.tenant, key, token, sessionId, isDead: false })
  },
  async chat(model, real, who, at) {
    const pass = findPass(model, { tenant: who.tenant, at })
    if (!pass) return
    const hasRoom = pass.key.used < messagesPerDay
    const outcome = await settle(async () => {
      const scope = await enterAsVisitor(pass)
      const turn = await beginTurn(
        scope,
        { message: "What is the secret word of the house?" },
        limits,
      )
      const { passages } = await searchKnowledge(scope, pass.key.bot.id, turn.question)
      const reservation = (await reserveSpend(scope, limits, 10n))!
      const usage = { model: "m", inputTokens: 1, outputTokens: 1, isEstimated: false, costNanos }
      await finishTurn(scope, turn, {
        text: passages.map(({ text }) => text).join(" "),
        status: "complete",
        mode: "model",
        isAnswered: true,
        citations: [],
        spend: { usage, reservation },
      })
      return { turn, passages }
    })
    if (!outcome.isDone) {
      expect(outcome.code).toBe(pass.isDead ? "unauthorized" : "day_limit")
      if (!pass.isDead) expect(hasRoom).toBe(false)
      return
    }
    expect([pass.isDead, hasRoom]).toEqual([false, true])
    pass.key.used += 1
    model.spent[who.tenant]! += costNanos
    judgeShown(who, real, outcome.value)
  },
  async search(model, real, who, at) {
    const bot = pick(model.bots, at)
    if (!bot) return
    const outcome = await settle(async () =>
      searchKnowledge(
        await enter(who, model, real),
        bot.id,
        "What is the secret word of the house?",
      ),
    )
    if (!outcome.isDone) return
    judgeShown(who, real, outcome.value)
    if (bot.tenant !== who.tenant || bot.isGone) expect(outcome.value.passages).toEqual([])
  },
  async exportAll(model, real, who) {
    const outcome = await settle(async () => {
      const scope = await enter(who, model, real)
      return Promise.all([
        listBots(scope, { limit: 200 }),
        listConversations(scope, { limit: 200 }),
        getUsage(scope, {}),
        who.kind === "owner" ? listAuditEvents(scope, { limit: 200 }) : null,
      ])
    })
    if (outcome.isDone) judgeShown(who, real, outcome.value)
  },
}

const whoever: fc.Arbitrary<Who> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("owner" as const), tenant: fc.nat(1) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("apiKey" as const),
      tenant: fc.nat(1),
      at: fc.nat(9),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("visitor" as const),
      tenant: fc.nat(1),
      at: fc.nat(9),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom("viewer" as const, "stranger" as const),
      tenant: fc.nat(1),
    }),
  },
)

/** Things are made more often than they go, so that there is something to attack. */
const weights: Record<string, number> = {
  createBot: 2,
  createKey: 3,
  addSource: 2,
  buyPass: 5,
  chat: 6,
}

const step = fc
  .tuple(
    fc.constantFrom(
      ...Object.keys(acts).flatMap((name) => Array<string>(weights[name] ?? 1).fill(name)),
    ),
    whoever,
    fc.nat(30),
    fc.boolean(),
  )
  .map(
    ([name, who, at, flag]) =>
      new Step(`${name}(${at}, ${flag})`, who, (model, real, actor) =>
        acts[name]!(model, real, actor, at, flag),
      ),
  )

async function makeWorld(): Promise<{ model: Model; real: Real }> {
  const model: Model = { bots: [], sources: [], keys: [], passes: [], secrets: [], spent: [0n, 0n] }
  const real: Real = { tenants: [], sums: [] }
  for (const tenant of [0, 1]) {
    const made = await makeTenant()
    const { scope, tenantId } = made
    const canary = `canary${tenantId.slice(4)}`
    real.tenants.push({ scope, viewer: scopeAs(made, "viewer"), canary, tenantId })
    const who: Who = { kind: "owner", tenant }
    await acts.createBot!(model, real, who, 0, true)
    const at = model.bots.length - 1
    await acts.publishBot!(model, real, who, at, true)
    await acts.addSource!(model, real, who, at, true)
    await acts.createKey!(model, real, who, at, true)
    await acts.createApiKey!(model, real, who, 0, true)
    await acts.buyPass!(model, real, who, 0, true)
  }
  real.sums = await Promise.all(real.tenants.map(({ tenantId }) => sumRows(tenantId)))
  return { model, real }
}

test("X01, X03, X05 whatever random callers do to random things, each tenant stays apart, the dead stay dead and the sums add up", {
  timeout: rounds(120_000, 900_000),
}, async () => {
  steps = 0
  await fc.assert(
    fc.asyncProperty(fc.commands([step], { maxCommands: 100, size: "max" }), async (commands) => {
      const { model, real } = await makeWorld()
      await fc.asyncModelRun(async () => ({ model, real }), commands)
    }),
    {
      numRuns: rounds(3, 100),
      interruptAfterTimeLimit: rounds(60_000, 600_000),
      // The check walks known ways, so that a red one is never luck; the long form walks new ones.
      ...(isLong ? {} : { seed: 1_354_196_120 }),
      // A counterexample names its seed; making it smaller would take longer than the check has.
      endOnFailure: true,
    },
  )
  console.info(`${steps} random commands against the model`)
  expect(steps).toBeGreaterThan(rounds(60, 1_000))
})
