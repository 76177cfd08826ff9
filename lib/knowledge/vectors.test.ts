import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { env } from "#lib/env.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import { listSourcesToEmbed } from "#lib/tenancy/directory.ts"
import {
  type MadeTenant,
  makeBot,
  makeEmbedKey,
  makeTenant,
  makeTextSource,
  makeVisitor,
} from "#prisma/factories.ts"
import { type ClonedDatabase, cloneDatabase } from "#runtime/test-database.ts"
import { deleteSource, replaceSource } from "./commands.ts"
import { EmbeddingServer } from "./embedding-server.fixture.ts"
import { fillVectors } from "./fill-vectors.ts"
import { ingestSource } from "./ingest.ts"
import { getSource } from "./queries.ts"
import { searchKnowledge } from "./search.ts"
import { endEmbeddingPause, fuseRanks, isNear } from "./vectors.ts"

const server = new EmbeddingServer()
const before = { ...env }
// A database of its own: the list of what is due is bounded, and other tests' sources would stand in it.
let clone: ClonedDatabase
let baseUrl: string
let tenant: MadeTenant
let botId: string
let sourceId: string

const dogs = "Puppy owners are welcome on the terrace."
const paraphrase = "Canine allowed?"

beforeAll(async () => {
  clone = await cloneDatabase()
  before.DATABASE_URL = clone.appUrl
  Object.assign(env, before)
  baseUrl = await server.listen()
})
afterAll(async () => {
  await server.close()
  await disconnect()
  await clone.drop()
})

beforeEach(async () => {
  Object.assign(env, {
    EMBEDDING_MODEL: "planted-1",
    EMBEDDING_BASE_URL: baseUrl,
    EMBEDDING_PRICE: "100",
    EMBEDDING_API_KEY: undefined,
    MODEL_API_KEY: undefined,
  })
  tenant = await makeTenant()
  botId = (await makeBot(tenant.scope)).id
  for (const [title, text] of [
    ["Parking", "Cars park behind the house."],
    ["Breakfast", "Coffee and bread from seven."],
  ] as const)
    await fill(tenant, (await makeTextSource(tenant.scope, botId, { title, text })).id)
  sourceId = (await makeTextSource(tenant.scope, botId, { title: "Pets", text: dogs })).id
  await fill(tenant, sourceId)
  server.asked.length = 0
})
afterEach(() => {
  Object.assign(server, { isDown: false, downStatus: 503, refused: 0 })
  endEmbeddingPause()
  Object.assign(env, before)
})

const fill = ({ tenantId }: MadeTenant, id: string) => fillVectors({ sourceId: id, tenantId })
const find = async (query = paraphrase) => searchKnowledge(tenant.scope, botId, query, 3)
const countVectors = () =>
  withTenant(tenant.scope, (tx) => tx.chunkVector.count({ where: { botId } }))

test("a paraphrase without a common word is found by its meaning, and by words alone it is not", async () => {
  const found = await find()
  expect(found.passages[0]?.text).toBe(dogs)
  expect(found.isRelevant).toBe(true)
  env.EMBEDDING_MODEL = undefined
  expect(await find()).toMatchObject({ passages: [], isRelevant: false })
})

test("without a model, or without a price, nobody is called", async () => {
  env.EMBEDDING_PRICE = undefined
  await find()
  expect(await fill(tenant, sourceId)).toBe("off")
  env.EMBEDDING_MODEL = undefined
  await find()
  expect(await fill(tenant, sourceId)).toBe("off")
  expect(server.asked).toEqual([])
})

test("the chat model's key is not sent to an address of the embedding model's own", async () => {
  server.authorizations.length = 0
  env.MODEL_API_KEY = "the chat model's"
  await find()
  env.EMBEDDING_API_KEY = "its own"
  await find()
  expect(server.authorizations).toEqual([undefined, "Bearer its own"])
})

test("another tenant's and another bot's vectors never come back, and its bot costs no call", async () => {
  const other = await makeTenant()
  const otherBot = (await makeBot(other.scope)).id
  const twin = (await makeBot(tenant.scope)).id
  for (const [owner, id] of [
    [other, otherBot],
    [tenant, twin],
  ] as const) {
    const found = await searchKnowledge(owner.scope, id, paraphrase, 10)
    expect(found).toMatchObject({ passages: [], isRelevant: false })
  }
  expect(server.asked).toEqual([])
  await fill(
    other,
    (await makeTextSource(other.scope, otherBot, { title: "Pets", text: "No dog in here." })).id,
  )
  const found = await searchKnowledge(other.scope, otherBot, paraphrase, 10)
  expect(found.passages.map(({ text }) => text)).toEqual(["No dog in here."])
  // Raw SQL that forgets its tenant meets the wall.
  const seen = await withTenant(
    other.scope,
    (tx) => tx.$queryRaw<object[]>`select 1 from chunk_vectors`,
  )
  expect(seen).toHaveLength(1)
})

test("a vector goes with its chunk: deleted and replaced text is not found by its meaning either", async () => {
  const next = { title: "Pets", text: "Goldfish only." }
  await replaceSource(tenant.scope, sourceId, next)
  await ingestSource(sourceId)
  expect(await countVectors()).toBe(2)
  expect((await listSourcesToEmbed("planted-1")).map((row) => row.sourceId)).toContain(sourceId)
  expect((await find()).isRelevant).toBe(false)
  await fill(tenant, sourceId)
  expect(await countVectors()).toBe(3)
  await deleteSource(tenant.scope, sourceId)
  expect(await countVectors()).toBe(2)
})

describe("C09 when the embedding service is away", () => {
  test("a source answers by its words, its owner is told, and it is tried again", async () => {
    server.isDown = true
    const source = await makeTextSource(tenant.scope, botId, {
      title: "Sofas",
      text: "The red sofa.",
    })
    expect(await fill(tenant, source.id)).toBe("later")
    expect(await getSource(tenant.scope, source.id)).toMatchObject({ status: "ready", error: null })
    expect((await getSource(tenant.scope, source.id)).notice).toContain("it is tried again")
    expect((await find("red sofa")).passages[0]?.text).toBe("The red sofa.")
    // Not before its time, and not by two at once.
    expect(await fill(tenant, source.id)).toBe("taken")
    const beDue = () =>
      withTenant(tenant.scope, (tx) =>
        tx.source.update({ where: { id: source.id }, data: { vectorRetryAt: null } }),
      )
    for (const _ of [2, 3]) {
      await beDue()
      expect(await fill(tenant, source.id)).toBe("later")
    }
    expect((await getSource(tenant.scope, source.id)).notice).toContain("three times")
    server.isDown = false
    endEmbeddingPause()
    await beDue()
    expect(await fill(tenant, source.id)).toBe("done")
    expect((await getSource(tenant.scope, source.id)).notice).toBeNull()
    expect((await find("couch")).passages[0]?.text).toBe("The red sofa.")
  })

  test("a question is answered by words alone, and nothing is charged", async () => {
    const spent = await readSpent()
    server.isDown = true
    expect((await find("terrace puppy")).passages[0]?.text).toBe(dogs)
    expect(await readSpent()).toEqual(spent)
    // The next visitors do not wait for it.
    server.isDown = false
    await find()
    expect(server.asked).toEqual([])
  })
})

describe("a question that the embedding service minds", () => {
  test.each([400, 200])("with %i does not send everybody else's by words", async (downStatus) => {
    Object.assign(server, { isDown: true, downStatus })
    expect((await find("terrace puppy")).passages[0]?.text).toBe(dogs)
    expect(server.refused).toBe(1)
    server.isDown = false
    expect((await find()).passages[0]?.text).toBe(dogs)
    expect(server.asked).toEqual([paraphrase])
  })

  test.each([-1, 0, 429, 500])(
    "no more than a provider that is away (%i) is asked again",
    async (s) => {
      Object.assign(server, { isDown: true, downStatus: s })
      await find()
      await find()
      expect(server.refused).toBe(1)
    },
  )

  test("is cut before it is too long for a model, between characters", async () => {
    await find("九".repeat(3_000))
    expect(server.asked).toEqual(["九".repeat(666)])
  })
})

test("a service that never answers is given up, until text or model are others", async () => {
  Object.assign(server, { isDown: true })
  const source = await makeTextSource(tenant.scope, botId, { title: "Sofas", text: "Red sofa." })
  const beDue = () =>
    withTenant(tenant.scope, (tx) =>
      tx.source.update({ where: { id: source.id }, data: { vectorRetryAt: null } }),
    )
  const isDue = async (model = "planted-1") =>
    (await listSourcesToEmbed(model)).some((row) => row.sourceId === source.id)
  for (let failed = 1; failed < 24; failed++) {
    expect(await fill(tenant, source.id)).toBe("later")
    await beDue()
  }
  // A cap is no failure of the service.
  env.FREE_ALLOWANCE_MINOR = 0
  expect(await fill(tenant, source.id)).toBe("capped")
  env.FREE_ALLOWANCE_MINOR = before.FREE_ALLOWANCE_MINOR
  await beDue()
  expect(await fill(tenant, source.id)).toBe("abandoned")
  expect(server.refused).toBe(24)
  expect((await getSource(tenant.scope, source.id)).notice).toContain("for a day")
  expect(await isDue()).toBe(false)
  // Another model begins anew, with this text as with all others of the tenant.
  await withTenant(tenant.scope, (tx) =>
    tx.source.deleteMany({ where: { id: { not: source.id } } }),
  )
  expect(await isDue("planted-2")).toBe(true)
  server.isDown = false
  await replaceSource(tenant.scope, source.id, { title: "Sofas", text: "Blue sofa." })
  await ingestSource(source.id)
  expect(await fill(tenant, source.id)).toBe("done")
  expect((await getSource(tenant.scope, source.id)).notice).toBeNull()
})

async function readSpent() {
  return withTenant(tenant.scope, async (tx) => {
    const [sum] = await tx.spendCounter.findMany({ where: { subject: "tenant" } })
    return { spent: sum?.spentNanos, reserved: sum?.reservedNanos }
  })
}

describe("money", () => {
  test("every call is on the ledger at its price and nothing stays set aside", async () => {
    // Three sources of one chunk, ten tokens each, a hundred minor units a million tokens.
    const price = 100_000n
    expect(await readSpent()).toEqual({ spent: 30n * price, reserved: 0n })
    await find()
    expect(await readSpent()).toEqual({ spent: 40n * price, reserved: 0n })
    const entries = await withTenant(tenant.scope, (tx) =>
      tx.usageEntry.findMany({ where: { botId } }),
    )
    expect(
      entries.map(({ kind, inputTokens, costNanos }) => ({ kind, inputTokens, costNanos })),
    ).toEqual(
      Array.from({ length: 4 }, () => ({
        kind: "embedding",
        inputTokens: 10,
        costNanos: 10n * price,
      })),
    )
  })

  test.each([0, 200])("a call without a clear answer (%i) costs what was set aside", async (s) => {
    const earlier = await readSpent()
    Object.assign(server, { isDown: true, downStatus: s })
    await find()
    // Its bytes, and sixteen that a provider may add.
    const tokens = paraphrase.length + 16
    expect(await readSpent()).toEqual({
      spent: earlier.spent! + BigInt(tokens) * 100_000n,
      reserved: 0n,
    })
    const ledger = await withTenant(tenant.scope, (tx) =>
      tx.usageEntry.findMany({ where: { botId, isEstimated: true } }),
    )
    expect(ledger).toMatchObject([{ inputTokens: tokens, costNanos: BigInt(tokens) * 100_000n }])
  })

  test("at a cap no call is made: sources say so, questions go by words", async () => {
    env.FREE_ALLOWANCE_MINOR = 0
    const source = await makeTextSource(tenant.scope, botId, {
      title: "Sofas",
      text: "The red sofa.",
    })
    expect(await fill(tenant, source.id)).toBe("capped")
    expect((await getSource(tenant.scope, source.id)).notice).toContain("spending limit")
    expect((await find("terrace puppy")).passages[0]?.text).toBe(dogs)
    expect(server.asked).toEqual([])
  })

  test("a visitor's question is embedded only when somebody pays for it", async () => {
    const key = await makeEmbedKey(tenant.scope, botId)
    const { scope } = await makeVisitor(key.key)
    expect((await searchKnowledge(scope, botId, paraphrase, 3)).passages).toEqual([])
    expect((await searchKnowledge(scope, botId, paraphrase, 3, async () => null)).passages).toEqual(
      [],
    )
    expect(server.asked).toEqual([])
  })
})

test("ranks are fused by reciprocal rank: what both lists know comes first", () => {
  expect(fuseRanks(["a", "b"], ["c", "b"]).map(({ id }) => id)).toEqual(["b", "a", "c"])
})

test("near is what stands out: a model that finds everything alike proves nothing", () => {
  const row = (similarity: number) => ({ id: "x", similarity })
  expect(isNear([row(0.8), row(0.3), row(0.2)])).toBe(true)
  expect(isNear([row(0.8), row(0.79), row(0.78)])).toBe(false)
  expect(isNear([row(0.3), row(0.1), row(0.1)])).toBe(false)
  expect(isNear([])).toBe(false)
})
