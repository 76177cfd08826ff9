import { Client } from "pg"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { env } from "#lib/env.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import { type MadeTenant, makeBot, makeTenant, scopeAs } from "#prisma/factories.ts"
import { addFileSource, addQuestionSource, addTextSource } from "./add-sources.ts"
import { cancelSource, deleteSource, replaceSource, retrySource } from "./commands.ts"
import { ingestSource } from "./ingest.ts"
import { makePdf } from "./pdf.fixture.ts"
import { getSource, getSourceText, listSources } from "./queries.ts"
import { quotas } from "./quotas.ts"
import { searchKnowledge } from "./search.ts"

let tenant: MadeTenant
let botId: string

beforeAll(async () => {
  tenant = await makeTenant()
  botId = (await makeBot(tenant.scope)).id
})
afterAll(() => disconnect())

const addPdf = (pdf: Uint8Array, fileName = "file.pdf") =>
  addFileSource(tenant.scope, botId, { fileName, mediaType: "text/html", bytes: pdf })
const countChunks = (sourceId: string) =>
  withTenant(tenant.scope, (tx) => tx.chunk.count({ where: { sourceId } }))
const change = (id: string, data: object) =>
  withTenant(tenant.scope, (tx) => tx.source.update({ where: { id }, data }))

/**
 * Starts reading a source and stops it just before it publishes, by holding its bot's row. Runs
 * `meanwhile`, lets go, and gives back how the reading ended.
 */
async function interfere(id: string, meanwhile: (admin: Client) => Promise<unknown>) {
  const url = new URL(process.env.TEST_SUPERUSER_URL ?? "")
  url.pathname = new URL(env.DATABASE_URL ?? "").pathname
  const admin = new Client({ connectionString: url.href })
  await admin.connect()
  try {
    await admin.query("begin")
    await admin.query("select 1 from bots where id = $1 for update", [botId])
    const reading = ingestSource(id)
    while ((await getSource(tenant.scope, id)).status === "queued") await Promise.resolve()
    await meanwhile(admin)
    await admin.query("commit")
    return await reading
  } finally {
    await admin.end()
  }
}

describe("a source becomes knowledge", () => {
  test("from queued to ready, with its pages, title and text", async () => {
    const pdf = makePdf([["First page about apples."], ["Second page about pears."]])
    const queued = await addPdf(pdf, "C:\\docs\\Fruit guide.PDF")
    expect(queued).toMatchObject({
      status: "queued",
      progress: 0,
      title: "Fruit guide",
      kind: "file",
    })
    expect(await ingestSource(queued.id)).toBe("ready")
    expect(await getSource(tenant.scope, queued.id)).toMatchObject({
      status: "ready",
      progress: 100,
      chunkCount: 1,
      error: null,
    })
    expect(await getSourceText(tenant.scope, queued.id)).toEqual({
      text: "First page about apples.\n\nSecond page about pears.",
      truncated: false,
    })
  })

  test("what was typed can be read before the worker has seen it", async () => {
    const text = await addTextSource(tenant.scope, botId, { title: "T", text: "Typed text." })
    const qa = await addQuestionSource(tenant.scope, botId, {
      question: "Why?",
      answer: "Because.",
    })
    expect((await getSourceText(tenant.scope, text.id)).text).toBe("Typed text.")
    expect((await getSourceText(tenant.scope, qa.id)).text).toBe("Why?\n\nBecause.")
  })

  test.each([
    ["password-protected", makePdf([["x"]], { isEncrypted: true }), /password-protected/],
    ["damaged", Buffer.from("%PDF-1.4 nothing"), /damaged/],
    ["textless", makePdf([[]]), /holds no text/],
  ])("a %s PDF is failed, with a sentence, and leaves no chunk", async (_, pdf, sentence) => {
    const source = await addPdf(pdf)
    expect(await ingestSource(source.id)).toBe("failed")
    const view = await getSource(tenant.scope, source.id)
    expect(view.status).toBe("failed")
    expect(view.error).toMatch(sentence)
    expect(await countChunks(source.id)).toBe(0)
  })

  test("too much text fails with a sentence instead of filling the database", async () => {
    const text = "Many words. ".repeat(160_000)
    const bytes = Buffer.from(Array.from({ length: 6 }, () => text).join("\n\n"))
    const source = await addFileSource(tenant.scope, botId, {
      fileName: "a.txt",
      mediaType: "",
      bytes,
    })
    expect(await ingestSource(source.id)).toBe("failed")
    expect((await getSource(tenant.scope, source.id)).error).toMatch(/more text than one source/)
  })
})

describe("killed, raced or overtaken, it leaves everything or nothing", () => {
  test("D16 a source deleted while it is read leaves nothing", async () => {
    const source = await addPdf(makePdf([["Ghost"]]))
    const outcome = await interfere(source.id, (admin) =>
      admin.query("delete from sources where id = $1", [source.id]),
    )
    expect(outcome).toBe("gone")
    expect(await countChunks(source.id)).toBe(0)
  })

  test("D17 an attempt that was overtaken writes nothing, the newer one everything once", async () => {
    const source = await addPdf(makePdf([["Overtaken"]]))
    const outcome = await interfere(source.id, (admin) =>
      admin.query("update sources set claim = claim + 1 where id = $1", [source.id]),
    )
    expect(outcome).toBe("gone")
    expect(await countChunks(source.id)).toBe(0)
    expect(await ingestSource(source.id, { isTakeover: true })).toBe("ready")
    expect(await countChunks(source.id)).toBe(1)
  })

  test("two workers that are handed the same source read it once", async () => {
    const source = await addPdf(makePdf([["Twice"]]))
    const outcomes = await Promise.all([ingestSource(source.id), ingestSource(source.id)])
    expect(outcomes.sort()).toEqual(["ready", "taken"])
    expect(await countChunks(source.id)).toBe(1)
  })

  test("D17 a source whose worker died is taken over, at most three times", async () => {
    const source = await addTextSource(tenant.scope, botId, { title: "T", text: "Poison." })
    const dead = { status: "processing", updatedAt: new Date(Date.now() - 60_000) }
    await change(source.id, { ...dead, attempts: 2 })
    expect(await ingestSource(source.id)).toBe("ready")
    const poison = await addTextSource(tenant.scope, botId, { title: "T", text: "Poison." })
    await change(poison.id, { ...dead, attempts: 3 })
    expect(await ingestSource(poison.id)).toBe("failed")
    expect((await getSource(tenant.scope, poison.id)).error).toMatch(/failed three times/)
  })

  test("stopping the worker is not the source's fault: it is read by the next one", async () => {
    const source = await addPdf(makePdf([["Later"]]))
    const signal = AbortSignal.abort()
    await expect(ingestSource(source.id, { signal })).rejects.toThrow()
    expect(await ingestSource(source.id, { isTakeover: true })).toBe("ready")
  })

  test("a source that is ready is not read again", async () => {
    const source = await addTextSource(tenant.scope, botId, { title: "T", text: "Once." })
    expect(await ingestSource(source.id)).toBe("ready")
    expect(await ingestSource(source.id, { isTakeover: true })).toBe("taken")
    expect(await ingestSource("src_000000000000000000000000")).toBe("gone")
  })
})

describe("a new version takes the place of the old in one instant", () => {
  const ask = async (query: string) =>
    (await searchKnowledge(tenant.scope, botId, query, 10)).passages
      .map(({ title, text }) => `${title}: ${text}`)
      .filter((text) => /zebra/i.test(text))

  test("D16 the old one answers until the new one is read, never both, and then not at all", async () => {
    const source = await addTextSource(tenant.scope, botId, { title: "T1", text: "Zebra one." })
    await ingestSource(source.id)
    const next = { title: "T2", text: "Zebra two." }
    expect(await replaceSource(tenant.scope, source.id, next)).toMatchObject({ status: "queued" })
    expect(await ask("zebra")).toEqual(["T1: Zebra one."])
    const seen: string[][] = []
    const reading = ingestSource(source.id).then((outcome) => {
      seen.push([outcome])
    })
    while (seen.length === 0) {
      const answers = await ask("zebra")
      expect([["T1: Zebra one."], ["T2: Zebra two."]]).toContainEqual(answers)
    }
    await reading
    expect(await ask("zebra")).toEqual(["T2: Zebra two."])
    expect(await ask("zebra one")).toEqual(["T2: Zebra two."])
    expect(await getSource(tenant.scope, source.id)).toMatchObject({ title: "T2", chunkCount: 1 })
    await deleteSource(tenant.scope, source.id)
    expect(await ask("zebra")).toEqual([])
  })

  test("a new version that cannot be read leaves the old one in use, and says so", async () => {
    const source = await addPdf(makePdf([["Zebra file."]]))
    await ingestSource(source.id)
    const locked = makePdf([["x"]], { isEncrypted: true })
    const file = { fileName: "next.pdf", mediaType: "", bytes: locked }
    await replaceSource(tenant.scope, source.id, { file })
    expect(await ingestSource(source.id)).toBe("failed")
    const view = await getSource(tenant.scope, source.id)
    expect(view).toMatchObject({ status: "ready", error: null })
    expect(view.notice).toMatch(/earlier one stays in use.*password/)
    expect(await ask("zebra")).toEqual(["file: Zebra file."])
    await deleteSource(tenant.scope, source.id)
  })

  test("D16 a version replaced while it is read is never published", async () => {
    const source = await addTextSource(tenant.scope, botId, { title: "T", text: "Zebra early." })
    await ingestSource(source.id)
    await replaceSource(tenant.scope, source.id, { title: "T", text: "Zebra never." })
    // What replaceSource does, on a connection that is not kept waiting.
    const outcome = await interfere(source.id, async (admin) => {
      const next = Buffer.from("Zebra late.")
      await admin.query("update source_originals set pending = $2 where source_id = $1", [
        source.id,
        next,
      ])
      await admin.query("update sources set claim = claim + 1, status = 'queued' where id = $1", [
        source.id,
      ])
    })
    expect(outcome).toBe("gone")
    expect(await ask("zebra")).toEqual(["T: Zebra early."])
    expect(await ingestSource(source.id)).toBe("ready")
    expect(await ask("zebra")).toEqual(["T: Zebra late."])
    await deleteSource(tenant.scope, source.id)
  })

  test("stopping goes back to the version in use, or to nothing", async () => {
    const source = await addTextSource(tenant.scope, botId, { title: "T", text: "Zebra old." })
    expect(await cancelSource(tenant.scope, source.id)).toMatchObject({
      status: "failed",
      error: expect.stringMatching(/You stopped/),
    })
    await expect(cancelSource(tenant.scope, source.id)).rejects.toMatchObject({ code: "conflict" })
    await retrySource(tenant.scope, source.id)
    await ingestSource(source.id)
    await replaceSource(tenant.scope, source.id, { title: "T", text: "Zebra new." })
    expect(await cancelSource(tenant.scope, source.id)).toMatchObject({ status: "ready" })
    expect(await ingestSource(source.id)).toBe("taken")
    expect(await ask("zebra")).toEqual(["T: Zebra old."])
  })

  test("only its own kind can take its place", async () => {
    const source = await addTextSource(tenant.scope, botId, { title: "T", text: "x" })
    const pair = { question: "Why?", answer: "Because." }
    await expect(replaceSource(tenant.scope, source.id, pair)).rejects.toMatchObject({
      code: "conflict",
    })
  })
})

describe("limits of one tenant", () => {
  test("D14 of twenty uploads for one free place exactly one gets in", async () => {
    const other = await makeTenant()
    const bot = await makeBot(other.scope)
    await withTenant(
      other.scope,
      (tx) => tx.$executeRaw`
      insert into sources (id, tenant_id, bot_id, kind, title, status)
      select 'src_' || md5(g::text || ${other.tenantId}), ${other.tenantId}, ${bot.id}, 'text', 'x', 'ready'
      from generate_series(1, ${quotas.sources - 1}::int) g`,
    )
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () =>
        addTextSource(other.scope, bot.id, { title: "T", text: "x" }),
      ),
    )
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1)
    for (const outcome of outcomes)
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "conflict" })
  })

  test("bytes together, and sources that wait, are bounded", async () => {
    const other = await makeTenant()
    const bot = await makeBot(other.scope)
    const add = () => addTextSource(other.scope, bot.id, { title: "T", text: "x" })
    const { id } = await add()
    const set = (byteSize: number) =>
      withTenant(other.scope, (tx) => tx.source.update({ where: { id }, data: { byteSize } }))
    await set(quotas.bytes)
    await expect(add()).rejects.toMatchObject({ code: "too_large" })
    await set(1)
    await withTenant(
      other.scope,
      (tx) => tx.$executeRaw`
      insert into sources (id, tenant_id, bot_id, kind, title)
      select 'src_' || md5(g::text || ${other.tenantId}), ${other.tenantId}, ${bot.id}, 'text', 'x'
      from generate_series(1, ${quotas.unfinishedSources}::int) g`,
    )
    await expect(add()).rejects.toMatchObject({ code: "conflict" })
    await withTenant(other.scope, (tx) => tx.source.deleteMany({}))
  })
})

describe("commands", () => {
  test("refuse what can never be read, at once and storing nothing", async () => {
    const before = (await listSources(tenant.scope, botId, { limit: 200 })).data.length
    const add = (bytes: Uint8Array) => addPdf(bytes)
    await expect(add(Buffer.from(""))).rejects.toMatchObject({ code: "invalid" })
    await expect(add(Buffer.from("PK\x03\x04"))).rejects.toMatchObject({ code: "unsupported_type" })
    await expect(add(Buffer.alloc(20 * 1024 * 1024 + 1, "a"))).rejects.toMatchObject({
      code: "too_large",
    })
    await expect(
      addTextSource(tenant.scope, botId, { title: " ", text: "" }),
    ).rejects.toMatchObject({
      code: "invalid",
      issues: [{ path: "title" }, { path: "text" }],
    })
    expect((await listSources(tenant.scope, botId, { limit: 200 })).data).toHaveLength(before)
  })

  test("a viewer reads and does not write", async () => {
    const viewer = scopeAs(tenant, "viewer")
    await expect(addTextSource(viewer, botId, { title: "T", text: "x" })).rejects.toMatchObject({
      code: "forbidden",
    })
    expect((await listSources(viewer, botId)).data.length).toBeGreaterThan(0)
  })

  test("another tenant's bot and source are not found", async () => {
    const stranger = await makeTenant()
    const source = await addTextSource(tenant.scope, botId, { title: "T", text: "Mine." })
    const missing = { code: "not_found" }
    await expect(listSources(stranger.scope, botId)).rejects.toMatchObject(missing)
    await expect(getSource(stranger.scope, source.id)).rejects.toMatchObject(missing)
    await expect(getSourceText(stranger.scope, source.id)).rejects.toMatchObject(missing)
    await expect(deleteSource(stranger.scope, source.id)).rejects.toMatchObject(missing)
    await expect(retrySource(stranger.scope, source.id)).rejects.toMatchObject(missing)
    const foreign = addTextSource(stranger.scope, botId, { title: "T", text: "x" })
    await expect(foreign).rejects.toMatchObject(missing)
  })

  test("only a failed source can be tried again, and then it can succeed", async () => {
    const source = await addTextSource(tenant.scope, botId, { title: "T", text: "Again." })
    await expect(retrySource(tenant.scope, source.id)).rejects.toMatchObject({ code: "conflict" })
    await change(source.id, { status: "failed", error: "x", attempts: 3 })
    expect(await retrySource(tenant.scope, source.id)).toMatchObject({
      status: "queued",
      error: null,
    })
    expect(await ingestSource(source.id)).toBe("ready")
  })

  test("adding, deleting and retrying leave an audit event each", async () => {
    const source = await addTextSource(tenant.scope, botId, { title: "Audited", text: "x" })
    await change(source.id, { status: "failed" })
    await retrySource(tenant.scope, source.id)
    await deleteSource(tenant.scope, source.id)
    const events = await withTenant(tenant.scope, (tx) =>
      tx.auditEvent.findMany({ where: { target: source.id }, orderBy: { createdAt: "asc" } }),
    )
    expect(events.map(({ action }) => action)).toEqual([
      "source.added",
      "source.retried",
      "source.deleted",
    ])
  })

  test("hostile file names become plain titles", async () => {
    const titleOf = async (fileName: string) =>
      (
        await addFileSource(tenant.scope, botId, {
          fileName,
          mediaType: "",
          bytes: Buffer.from("x"),
        })
      ).title
    expect(await titleOf("../../etc/passwd")).toBe("passwd")
    expect(await titleOf(`${"n".repeat(5_000)}.txt`)).toHaveLength(200)
    expect(await titleOf("a\0\u202egnp.\r\nX-Evil: 1.md")).toBe("agnp. X-Evil: 1")
    expect(await titleOf(".pdf")).toBe("Untitled file")
  })
})
