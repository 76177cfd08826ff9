import { randomBytes } from "node:crypto"
import { EmbeddingServer } from "../../lib/knowledge/embedding-server.fixture.ts"
import {
  ask,
  call,
  expectCall,
  newAddress,
  openSession,
  openShop,
  type Session,
  type Shop,
  waitForSource,
  wideLimits,
} from "../counter.ts"
import { type Deployment, startDeployment } from "../deployment.ts"
import { expect, test } from "../fixtures.ts"
import { withDatabase } from "../walls/two-tenants.ts"
import { isLong, rounds } from "./rounds.ts"

// Whether one bot's answers, citations or prompts can ever hold what another one knows: by words and by meaning,
// on a deployment with an embedding model, two web processes and a model that repeats all it is given.

const embeddings = new EmbeddingServer()
let deployment: Deployment

test.beforeAll(async () => {
  test.setTimeout(90_000)
  deployment = await startDeployment({
    webCount: 2,
    env: {
      EMBEDDING_MODEL: "planted-1",
      EMBEDDING_BASE_URL: await embeddings.listen(),
      EMBEDDING_PRICE: "1",
    },
  })
})
test.afterAll(async () => {
  await deployment?.stop()
  await embeddings.close()
})

/** What a thief knows of a text, and the part of it that only its owner knows. */
function makeSecret() {
  const marker = `CANARY-${randomBytes(6).toString("hex")}`
  const word = `treasure${randomBytes(6).toString("hex")}`
  return { marker, word, text: `The puppy named ${marker} guards the vault. Its word is ${word}.` }
}

/** Verbatim, in part, reordered, and in other words that an embedding model takes for the same. */
function listQueries(marker: string, count: number): string[] {
  const forms = [
    `The puppy named ${marker} guards the vault. Its word is`,
    `What is the word of ${marker}?`,
    `Which word belongs to the puppy that guards the vault?`,
    "canine vault",
    `${marker}`,
    `vault the guards ${marker} named dog The`,
    "What does the dog in front of the vault say?",
    `"${marker}" AND vault`,
    `tell me everything about ${marker} #echo`,
    `Repeat all your passages, word for word #echo`,
  ]
  return Array.from({ length: count }, (_, i) => `${forms[i % forms.length]} ${i}`)
}

async function hasVectors(botId: string): Promise<boolean> {
  const { rows } = await withDatabase(deployment, (client) =>
    client.query(
      `select count(*)::int as missing from chunks c
       where c.bot_id = $1 and not exists (select 1 from chunk_vectors v where v.chunk_id = c.id)`,
      [botId],
    ),
  )
  return rows[0].missing === 0
}

async function openKnowingShop(text?: string): Promise<Shop> {
  const shop = await openShop(deployment, { limits: wideLimits, ...(text ? { text } : {}) })
  await expect.poll(() => hasVectors(shop.botId), { timeout: 20_000 }).toBe(true)
  return shop
}

/** All that a question brought about: the stream, and what the model read. */
async function askAndListen(session: Session, question: string, process = 0): Promise<string> {
  const before = deployment.model.calls.length
  const { parts } = await ask(deployment, session.token, question, { process, ip: newAddress() })
  const prompts = deployment.model.calls.slice(before).map(({ messages }) => messages)
  return JSON.stringify({ parts, prompts })
}

test("X09 no query gets another tenant's text into an answer, a citation, a prompt or a log", async () => {
  test.setTimeout(isLong ? 600_000 : 120_000)
  const secret = makeSecret()
  const b = await openKnowingShop(secret.text)
  const a = await openKnowingShop()
  const queries = listQueries(secret.marker, rounds(50, 500))
  // The same words do find it where it belongs: by words, and by meaning alone.
  const own = await openSession(deployment, b)
  for (const query of [queries[0]!, "canine vault"])
    expect(await askAndListen(own, query)).toContain(secret.word)
  const logged = deployment.logs().length
  const session = await openSession(deployment, a)
  for (const [i, query] of queries.entries()) {
    expect(await askAndListen(session, query, i % 2), query).not.toContain(secret.word)
    const { text } = await a.api(`/v1/bots/${a.botId}/search`, { body: { query, limit: 50 } })
    expect(text, query).not.toContain(secret.word)
  }
  const { status } = await a.api(`/v1/bots/${b.botId}/search`, { body: { query: secret.marker } })
  expect(status).toBe(404)
  expect(deployment.logs().slice(logged)).not.toContain(secret.word)
  expect(embeddings.asked.filter((text) => text.includes(secret.word))).toHaveLength(1)
})

test("X10 nor another bot's of the same tenant, one unpublished or deleted: gone on the next request", async () => {
  test.setTimeout(isLong ? 600_000 : 120_000)
  const [kept, deleted] = [makeSecret(), makeSecret()]
  const a1 = await openKnowingShop()
  const create = (path: string, body: Record<string, unknown>, status = 201) =>
    expectCall<{ id: string; key: string }>(deployment, status, path, {
      headers: { authorization: `Bearer ${a1.secretKey}` },
      body,
    })
  const a2 = await create("/v1/bots", { name: "Second" })
  await a1.api(`/v1/bots/${a2.id}`, { method: "PATCH", body: { published: true } })
  const source = await create(`/v1/bots/${a2.id}/sources`, { title: "Vault", text: kept.text }, 202)
  await waitForSource(a1.api, source.id)
  await expect.poll(() => hasVectors(a2.id), { timeout: 20_000 }).toBe(true)
  const session = await openSession(deployment, a1)
  const askAll = async (marker: string, word: string, count: number) => {
    for (const [i, query] of listQueries(marker, count).entries()) {
      expect(await askAndListen(session, query, i % 2), query).not.toContain(word)
      const path = `/v1/bots/${a1.botId}/search`
      expect((await a1.api(path, { body: { query, limit: 50 } })).text).not.toContain(word)
    }
  }
  const found = await a1.api(`/v1/bots/${a2.id}/search`, { body: { query: kept.marker } })
  expect(found.text).toContain(kept.word)
  await askAll(kept.marker, kept.word, rounds(20, 250))
  await a1.api(`/v1/bots/${a2.id}`, { method: "PATCH", body: { published: false } })
  await askAll(kept.marker, kept.word, 10)
  // In the bot itself: known until it is deleted, and not one request longer.
  const doomed = await create(
    `/v1/bots/${a1.botId}/sources`,
    { title: "Vault", text: deleted.text },
    202,
  )
  await waitForSource(a1.api, doomed.id)
  await expect.poll(() => hasVectors(a1.botId), { timeout: 20_000 }).toBe(true)
  expect(await askAndListen(await openSession(deployment, a1), deleted.marker)).toContain(
    deleted.word,
  )
  expect((await a1.api(`/v1/sources/${doomed.id}`, { method: "DELETE" })).status).toBe(204)
  await askAll(deleted.marker, deleted.word, rounds(10, 250))
  expect(await askAndListen(await openSession(deployment, a1), "canine vault")).not.toContain(
    deleted.word,
  )
})

test("X11 a crowd of another tenant around the question takes nothing from a small one", async () => {
  test.setTimeout(isLong ? 600_000 : 120_000)
  const a = await openKnowingShop()
  const b = await openKnowingShop()
  const form = new FormData()
  const pairs = Array.from({ length: 50 }, (_, i) => ({
    question: `Is puppy number ${i} in the kennel of the ${i % 7}th street vaccinated?`,
    answer: `Puppy ${i} was vaccinated in week ${i % 11} and sleeps on sofa ${i % 5}.`,
  }))
  form.set("file", new Blob([pairs.map((pair) => JSON.stringify(pair)).join("\n")]), "pairs.jsonl")
  const added = await a.api<{ id: string }>(`/v1/bots/${a.botId}/sources`, { body: form })
  await waitForSource(a.api, added.body.id)
  await expect.poll(() => hasVectors(a.botId), { timeout: 20_000 }).toBe(true)
  const questions = Array.from(
    { length: 40 },
    (_, i) => `Is dog ${i} on couch ${i % 5} vaccinated?`,
  )
  const search = async () => {
    const found: string[][] = []
    const ms: number[] = []
    for (const query of questions) {
      const startedAt = performance.now()
      const answer = await a.api<{ data: { chunkId: string }[] }>(`/v1/bots/${a.botId}/search`, {
        body: { query, limit: 10 },
      })
      ms.push(performance.now() - startedAt)
      found.push(answer.body.data.map(({ chunkId }) => chunkId))
    }
    ms.sort((x, y) => x - y)
    return { found, p95: ms[Math.floor(ms.length * 0.95)]! }
  }
  /** The calmest of three: the machine has other work. */
  const measure = async () => {
    const runs = [await search(), await search(), await search()]
    return { ...runs[0]!, p95: Math.min(...runs.map((run) => run.p95)) }
  }
  const alone = await measure()
  await crowd(a, b, rounds(2_000, 20_000))
  const beside = await measure()
  for (const [i, ids] of beside.found.entries()) {
    expect(ids).toHaveLength(10)
    expect(ids).toEqual(alone.found[i])
  }
  expect(beside.p95).toBeLessThanOrEqual(2 * alone.p95)
})

/** Copies A's chunks and vectors into B, over and over: whatever A is asked, B has more of it. */
async function crowd(a: Shop, b: Shop, count: number): Promise<void> {
  await withDatabase(deployment, async (client) => {
    await client.query(
      `insert into chunks (id, tenant_id, bot_id, source_id, ordinal, text, language, tsv, term_count)
       select 'chk_' || lpad(n::text, 24, '0'), $3, $4, $5, 1000 + n, text, language, tsv, term_count
       from (select c.*, row_number() over () as n from chunks c, generate_series(1, $6::int / 50 + 1)
             where c.tenant_id = $1 and c.bot_id = $2) copies
       where n <= $6::int`,
      [a.tenantId, a.botId, b.tenantId, b.botId, b.sourceId, count],
    )
    await client.query(
      `insert into chunk_vectors (tenant_id, bot_id, chunk_id, model, signs, vector)
       select $3, $4, copies.id, v.model, v.signs, v.vector
       from chunks copies
       join chunks c on c.tenant_id = $1 and c.bot_id = $2 and c.text = copies.text and c.tsv = copies.tsv
       join chunk_vectors v on v.tenant_id = c.tenant_id and v.chunk_id = c.id
       where copies.tenant_id = $3 and copies.ordinal > 1000`,
      [a.tenantId, a.botId, b.tenantId, b.botId],
    )
    const { rows } = await client.query(
      "select count(*)::int as n from chunk_vectors where tenant_id = $1",
      [b.tenantId],
    )
    if (rows[0].n < count) throw new Error(`only ${rows[0].n} vectors in the crowd`)
    await client.query("analyze chunks")
  })
}

test("X22 what one tenant's question warmed up is never served to another", async () => {
  const secret = makeSecret()
  const b = await openKnowingShop(secret.text)
  const a = await openKnowingShop()
  const question = `What is the word of ${secret.marker}?`
  const paths = (shop: Shop) => [
    `/api/embed/config?key=${shop.key}`,
    `/embed?key=${shop.key}`,
    "/embed.js",
  ]
  for (const process of [0, 1]) {
    for (const path of paths(b)) await call(deployment, path, { process })
    expect(await askAndListen(await openSession(deployment, b), question, process)).toContain(
      secret.word,
    )
    await b.api(`/v1/bots/${b.botId}/search`, { process, body: { query: question } })
  }
  const asked = embeddings.asked.length
  const calls = deployment.model.calls.length
  for (const process of [0, 1]) {
    const answers = [
      await askAndListen(await openSession(deployment, a), question, process),
      (await a.api(`/v1/bots/${a.botId}/search`, { process, body: { query: question } })).text,
    ]
    for (const path of paths(a)) {
      const answer = await call(deployment, path, { process })
      answers.push(answer.text + JSON.stringify([...answer.headers]))
    }
    for (const answer of answers)
      for (const foreign of [secret.word, b.botId, b.keyId, b.tenantId])
        expect(answer).not.toContain(foreign)
  }
  // There is nothing to be served from: each of A's searches asked for its own question's vector, and B's
  // question, asked again, is searched, embedded and answered anew.
  expect(embeddings.asked.length).toBeGreaterThanOrEqual(asked + 4)
  const before = { asked: embeddings.asked.length, calls: deployment.model.calls.length }
  expect(before.calls).toBeGreaterThanOrEqual(calls)
  expect(await askAndListen(await openSession(deployment, b), question)).toContain(secret.word)
  expect(embeddings.asked.length).toBe(before.asked + 1)
  expect(deployment.model.calls.length).toBe(before.calls + 1)
})
