import { Client } from "pg"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { env } from "#lib/env.ts"
import { disconnect, signSetting, withTenant } from "#lib/tenancy/database.ts"
import { scopeFromSession } from "#lib/tenancy/scope.ts"
import {
  type MadeTenant,
  makeBot,
  makeQuestionSource,
  makeTenant,
  makeTextSource,
} from "#prisma/factories.ts"
import { deleteSource } from "./commands.ts"
import type { SourceView } from "./schema.ts"
import { searchKnowledge } from "./search.ts"

const secret = "The secret ingredient of our soup is saffron."
const question = "What is the secret ingredient of the soup?"

let a: MadeTenant
let b: MadeTenant
let botA1: string
let botA2: string
let botB: string
let app: Client

beforeAll(async () => {
  a = await makeTenant()
  b = await makeTenant()
  botA1 = (await makeBot(a.scope)).id
  botA2 = (await makeBot(a.scope)).id
  botB = (await makeBot(b.scope)).id
  await makeTextSource(a.scope, botA1, { title: "Opening hours", text: "We open at nine." })
  await makeTextSource(a.scope, botA2, { title: "Soup", text: secret })
  await makeTextSource(b.scope, botB, { title: "Soup", text: secret })
  app = new Client({ connectionString: env.DATABASE_URL ?? "" })
  await app.connect()
})

afterAll(async () => {
  await app.end()
  await disconnect()
})

const visitorOf = (tenantId: string, botId: string) =>
  scopeFromSession({
    tenantId,
    botId,
    sessionId: "ses_x",
    visitorId: "vis_x",
    keyId: "key_x",
    origin: "https://shop.example.com",
    kind: "page",
  })

/** find_candidates as the app role, under a setting, in a transaction that is rolled back. */
async function findRaw(
  setting: { tenantId: string; botId: string; mac: string } | null,
  botId: string,
) {
  await app.query("begin")
  try {
    if (setting) {
      await app.query(
        `select set_config('app.tenant_id', $1, true), set_config('app.bot_id', $2, true),
          set_config('app.visitor_id', '', true), set_config('tenant.mac', $3, true)`,
        [setting.tenantId, setting.botId, setting.mac],
      )
    }
    const found = await app.query(
      "select * from search.find_candidates($1, $2::tsquery, $3, 400)",
      [botId, "'soup' | 'open' | 'saffron'", ["soup", "open", "saffron"]],
    )
    return found.rowCount
  } finally {
    await app.query("rollback")
  }
}

describe("a search stays in its bot", () => {
  test("the owner's search of a bot finds that bot's passages", async () => {
    const found = await searchKnowledge(a.scope, botA2, question)
    expect(found.isRelevant).toBe(true)
    expect(found.passages.map(({ text }) => text)).toEqual([secret])
  })

  test("another bot of the tenant and another tenant's bot know nothing of it", async () => {
    const found = await searchKnowledge(a.scope, botA1, question)
    expect(JSON.stringify(found)).not.toContain("saffron")
    expect(found.isRelevant).toBe(false)
  })

  test("another tenant's bot is not found, like one that never was", async () => {
    for (const botId of [botB, "bot_000000000000000000000000"]) {
      await expect(searchKnowledge(a.scope, botId, question)).rejects.toMatchObject({
        code: "not_found",
      })
    }
  })

  test("a visitor reaches the session's bot and no other of the same tenant", async () => {
    const visitor = visitorOf(a.tenantId, botA2)
    expect((await searchKnowledge(visitor, botA2, question)).passages).toHaveLength(1)
    await expect(searchKnowledge(visitor, botA1, question)).rejects.toMatchObject({
      code: "not_found",
    })
  })
})

describe("the definer function refuses when the code forgets", () => {
  const proven = (tenantId: string, botId = "") => ({
    tenantId,
    botId,
    mac: signSetting(tenantId, botId, ""),
  })

  test("with the tenant proven it finds what that bot holds, and of no other bot or tenant", async () => {
    // The query matches a passage of each of the three bots.
    expect(await findRaw(proven(a.tenantId), botA1)).toBe(1)
    expect(await findRaw(proven(a.tenantId), botA2)).toBe(1)
    expect(await findRaw(proven(a.tenantId), botB)).toBe(0)
  })

  test("without a tenant, with a forged one, or for another tenant's bot it finds nothing", async () => {
    expect(await findRaw(null, botA2)).toBe(0)
    expect(await findRaw({ ...proven(b.tenantId), tenantId: a.tenantId }, botA2)).toBe(0)
    expect(await findRaw(proven(b.tenantId), botA2)).toBe(0)
  })

  test("under a visitor's setting it finds nothing of another bot of the same tenant", async () => {
    expect(await findRaw(proven(a.tenantId, botA1), botA2)).toBe(0)
    expect(await findRaw({ ...proven(a.tenantId, botA1), botId: botA2 }, botA2)).toBe(0)
    expect(await findRaw(proven(a.tenantId, botA2), botA2)).toBe(1)
  })

  test("its role cannot be taken on, and it is closed to everybody but the app role", async () => {
    await expect(app.query("set role app_search")).rejects.toMatchObject({ code: "42501" })
    const facts = await app.query(`
      select proacl::text as acl, prosecdef, proconfig, pg_get_userbyid(proowner) as owner
      from pg_proc where oid = 'search.find_candidates(text, tsquery, text[], int)'::regprocedure`)
    expect(facts.rows[0]).toMatchObject({ prosecdef: true, owner: "app_search" })
    expect(facts.rows[0].proconfig).toContain("search_path=pg_catalog, pg_temp")
    expect(facts.rows[0].acl).not.toMatch(/[{,]=/)
  })
})

describe("finding", () => {
  let botId: string
  beforeAll(async () => {
    botId = (await makeBot(a.scope)).id
    await makeTextSource(a.scope, botId, {
      title: "Returns",
      text: "You can send anything back within 30 days. The postage is on us.",
    })
    await makeQuestionSource(a.scope, botId, {
      question: "Do you ship to Norway?",
      answer: "Yes, for nine euros, in about a week.",
    })
    await makeTextSource(a.scope, botId, {
      title: "Versand",
      text: "Die Versandkosten betragen fünf Euro. Ab einem Bestellwert von fünfzig Euro liefern wir innerhalb Deutschlands frei Haus.",
    })
    await makeTextSource(a.scope, botId, {
      title: "退货",
      text: "您可以在三十天内退货,运费由我们承担。",
    })
  })
  const titleOf = async (query: string) =>
    (await searchKnowledge(a.scope, botId, query)).passages[0]?.title

  test("a passage is found by its title, by a question's words and in every language of the bot", async () => {
    expect(await titleOf("returns")).toBe("Returns")
    expect(await titleOf("shipping to norway")).toBe("Do you ship to Norway?")
    expect(await titleOf("Wie hoch sind die Versandkosten?")).toBe("Versand")
    expect(await titleOf("如何退货?")).toBe("退货")
  })

  test("a customer's word finds the business's word for the same thing", async () => {
    expect(await titleOf("I would like an exchange")).toBe("Returns")
  })

  test("a misspelt word and an unknown compound still find", async () => {
    expect(await titleOf("shiping to Norwya")).toBe("Do you ship to Norway?")
    expect(await titleOf("Versandkostenbeitrag")).toBe("Versand")
  })

  test("a question about something else is not relevant", async () => {
    for (const query of [
      "Which planet has the most moons?",
      "hello",
      "???",
      "🙂",
      "' | ! & \\ <-> :* (",
    ]) {
      expect((await searchKnowledge(a.scope, botId, query)).isRelevant, query).toBe(false)
    }
  })

  test("metacharacters and endless questions are only words, answered in bounded time", async () => {
    const startedAt = performance.now()
    await searchKnowledge(a.scope, botId, "'; drop table chunks; -- \\' | & ! <-> ".repeat(100))
    await searchKnowledge(a.scope, botId, "x".repeat(4_000))
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })
})

describe("the line between known and not known", () => {
  const returns = "You can return any item within 30 days of delivery."
  const judge = async (texts: string[], query: string) => {
    const botId = (await makeBot(a.scope)).id
    for (const text of texts) await makeTextSource(a.scope, botId, { title: "Returns", text })
    return (await searchKnowledge(a.scope, botId, query)).isRelevant
  }

  test("a bot with one short source answers a question that shares one word with it", async () => {
    expect(await judge([returns], "How long do I have to return something?")).toBe(true)
    expect(await judge([returns], "How many days do I have for a refund?")).toBe(true)
  })

  test("it refuses what the source does not speak of, however few words there are to compare", async () => {
    for (const query of [
      "Do you sell gift cards?",
      "Can I bring my dog to the hotel on Sunday?",
      "Which laptop should I buy for editing videos of my children?",
      "Who won the national lottery on the 30th of May?",
    ])
      expect(await judge([returns], query), query).toBe(false)
  })
})

describe("counts", () => {
  /** Terms whose stored count differs from a recount over the chunks. */
  const countMistakes = (botId: string) =>
    withTenant(a.scope, async (tx) => {
      const [row] = await tx.$queryRaw<{ mistakes: number; corpus: number }[]>`
        select (select count(*)::int from
            (select w.lexeme, count(*) as n from chunks c, unnest(c.tsv) w
             where c.bot_id = ${botId} group by w.lexeme) real
            full join (select term, chunk_count from bot_terms where bot_id = ${botId}) kept
              on kept.term = real.lexeme
            where real.n is distinct from kept.chunk_count) as mistakes,
          (select count(*)::int from bot_corpora k,
              (select count(*) as chunks, coalesce(sum(c.term_count), 0) as terms
               from chunks c where c.bot_id = ${botId}) real
            where k.bot_id = ${botId}
              and (k.chunk_count <> real.chunks or k.term_count <> real.terms)) as corpus`
      return row
    })

  test("stay exact while sources come and go at the same time", async () => {
    const botId = (await makeBot(a.scope)).id
    const made = await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        makeTextSource(a.scope, botId, {
          title: `Text ${i}`,
          text: `Shared words and number ${i}.`,
        }),
      ),
    )
    expect(await countMistakes(botId)).toEqual({ mistakes: 0, corpus: 0 })
    const later = (i: number): Promise<SourceView> =>
      makeTextSource(a.scope, botId, { title: `Later ${i}`, text: `More shared words ${i}.` })
    await Promise.all([
      ...made.slice(0, 4).map((source) => deleteSource(a.scope, source.id)),
      later(1),
      later(2),
    ])
    expect(await countMistakes(botId)).toEqual({ mistakes: 0, corpus: 0 })
  })

  test("deleting a source leaves no chunk, no term, no original and no result", async () => {
    const botId = (await makeBot(a.scope)).id
    const source = await makeTextSource(a.scope, botId, { title: "Soup", text: secret })
    expect((await searchKnowledge(a.scope, botId, question)).passages).toHaveLength(1)
    await deleteSource(a.scope, source.id)
    expect((await searchKnowledge(a.scope, botId, question)).passages).toEqual([])
    const left = await withTenant(a.scope, async (tx) => [
      await tx.chunk.count({ where: { botId } }),
      await tx.botTerm.count({ where: { botId } }),
      await tx.sourceOriginal.count({ where: { sourceId: source.id } }),
    ])
    expect(left).toEqual([0, 0, 0])
  })
})
