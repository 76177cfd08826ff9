import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest"
import { listAuditEvents } from "#lib/audit/queries.ts"
import { updateBot } from "#lib/bots/commands.ts"
import { addTextSource } from "#lib/knowledge/add-sources.ts"
import { deleteSource, replaceSource } from "#lib/knowledge/commands.ts"
import { ingestSource } from "#lib/knowledge/ingest.ts"
import { getSource, getSourceText } from "#lib/knowledge/queries.ts"
import { searchKnowledge } from "#lib/knowledge/search.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import { listBotsToCheck } from "#lib/tenancy/directory.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import {
  type MadeTenant,
  makeBot,
  makeEmbedKey,
  makeTenant,
  makeTextSource,
  makeVisitor,
  scopeAs,
} from "#prisma/factories.ts"
import { createGolden, runGolden } from "./commands.ts"
import { changeBot } from "./gate.ts"
import { acceptSource, checkHeld, discardSource } from "./held.ts"
import { getQuality } from "./queries.ts"

// The last statement before a check commits, and before a held source is marked: where the process dies.
const death = vi.hoisted(() => ({ isDue: false, runs: 0, tooSlow: 0 }))
vi.mock("./run.ts", async (original) => {
  const real = await original<typeof import("./run.ts")>()
  return {
    ...real,
    askAll: (...args: Parameters<typeof real.askAll>) => {
      death.runs++
      if (death.tooSlow-- > 0) throw new Error("the transaction took too long")
      return real.askAll(...args)
    },
    insertRun: (...args: Parameters<typeof real.insertRun>) => {
      if (death.isDue) throw new Error("killed")
      return real.insertRun(...args)
    },
  }
})

let tenant: MadeTenant
let stranger: MadeTenant

beforeAll(async () => {
  tenant = await makeTenant()
  stranger = await makeTenant()
})
afterAll(disconnect)
beforeEach(() => {
  death.isDue = false
  death.runs = 0
  death.tooSlow = 0
})

const returnsText = "You may return shoes within ninety days if the box is whole."
const otherText = "Talk to the porter about opening a garage door."
const question = "Within how many days may I return shoes?"

/** A published bot whose one golden question passes. */
async function makeShop({ scope }: Pick<MadeTenant, "scope"> = tenant) {
  const bot = await makeBot(scope)
  const returns = await makeTextSource(scope, bot.id, { title: "Returns", text: returnsText })
  const golden = await createGolden(scope, bot.id, { question, phrase: "ninety days" })
  await runGolden(scope, bot.id, "quotes")
  const { key } = await makeEmbedKey(scope, bot.id)
  const visitor = await makeVisitor(key)
  const asVisitor = async (query = question) =>
    (await searchKnowledge(visitor.scope, bot.id, query)).passages.map(({ text }) => text)
  return { scope, botId: bot.id, returns, golden, visitor, asVisitor }
}

async function replaceWith(scope: TenantScope, sourceId: string, text: string) {
  await replaceSource(scope, sourceId, { title: "Returns", text })
  expect(await ingestSource(sourceId)).toBe("checking")
}

async function add(scope: TenantScope, botId: string, title: string, text: string) {
  const source = await addTextSource(scope, botId, { title, text })
  expect(await ingestSource(source.id)).toBe("checking")
  return source
}

const countHeld = (scope: TenantScope, sourceId: string) =>
  withTenant(scope, (tx) => tx.heldReading.count({ where: { sourceId } }))

describe("what is read for a published bot with golden questions", () => {
  test("is found by nobody before they were asked, and goes live by itself when none is worse", async () => {
    const { scope, botId, visitor, asVisitor } = await makeShop()
    const source = await add(scope, botId, "Garage", otherText)
    expect(await getSource(scope, source.id)).toMatchObject({ status: "checking", chunkCount: 0 })
    const about = "How do I open the garage door with the porter?"
    expect(await asVisitor(about)).not.toContain(otherText)
    const { passages } = await searchKnowledge(scope, botId, about)
    expect(passages.map(({ text }) => text)).not.toContain(otherText)
    // Not even by a statement of a visitor's own.
    expect(await countHeld(visitor.scope, source.id)).toBe(0)
    expect(await countHeld(scope, source.id)).toBe(1)

    await checkHeld(scope, botId)
    expect(await getSource(scope, source.id)).toMatchObject({ status: "ready", worse: null })
    expect(await asVisitor(about)).toContain(otherText)
    expect(await countHeld(scope, source.id)).toBe(0)
    const { runs, isStale } = await getQuality(scope, botId)
    expect(runs[0]).toMatchObject({ reason: "knowledge", outcome: "kept", passedCount: 1 })
    expect(isStale).toBe(false)
  })

  test("waits for the owner when one would get worse; the earlier version answers until it is put live", async () => {
    const { scope, botId, returns, golden, asVisitor } = await makeShop()
    await replaceWith(scope, returns.id, otherText)
    await checkHeld(scope, botId)
    expect(await getSource(scope, returns.id)).toMatchObject({
      status: "held",
      worse: [{ questionId: golden.id, question, expects: "answer" }],
    })
    expect(await asVisitor()).toEqual([returnsText])
    expect((await getSourceText(scope, returns.id)).text).toBe(returnsText)
    expect((await getQuality(scope, botId)).runs[0]).toMatchObject({
      reason: "knowledge",
      outcome: "stopped",
    })
    // Nothing asks again what the owner was asked.
    death.runs = 0
    await checkHeld(scope, botId)
    expect(death.runs).toBe(0)

    await acceptSource(scope, returns.id)
    expect(await getSource(scope, returns.id)).toMatchObject({ status: "ready", worse: null })
    expect((await getSourceText(scope, returns.id)).text).toBe(otherText)
    expect(await countHeld(scope, returns.id)).toBe(0)
    // What the owner accepted is what comes next is compared with.
    const next = await add(scope, botId, "Hours", "The shop is open on Saturdays until six.")
    await checkHeld(scope, botId)
    expect((await getSource(scope, next.id)).status).toBe("ready")
    const { data } = await listAuditEvents(scope, {})
    const actions = data.filter(({ target }) => target === returns.id).map(({ action }) => action)
    expect(actions).toEqual(expect.arrayContaining(["source.held", "source.accepted"]))
  })

  test("discarded, a replacement leaves the earlier version and a new source goes", async () => {
    const { scope, botId, returns, asVisitor } = await makeShop()
    await createGolden(scope, botId, { question: "Who mends the lift?", expects: "refusal" })
    await runGolden(scope, botId, "quotes")
    await replaceWith(scope, returns.id, otherText)
    const added = await add(scope, botId, "Lift", "Who mends the lift? The porter mends the lift.")
    await checkHeld(scope, botId)
    expect((await getSource(scope, added.id)).worse).toHaveLength(1)
    expect((await getSourceText(scope, added.id)).text).toContain("mends the lift")

    await discardSource(scope, returns.id)
    expect(await getSource(scope, returns.id)).toMatchObject({ status: "ready", chunkCount: 1 })
    expect(await asVisitor()).toContain(returnsText)
    await discardSource(scope, added.id)
    await expect(getSource(scope, added.id)).rejects.toMatchObject({ code: "not_found" })
    expect(await countHeld(scope, returns.id)).toBe(0)
    // The version that was thrown away does not come back with the next reading.
    const left = await withTenant(scope, (tx) =>
      tx.sourceOriginal.findFirst({ where: { sourceId: returns.id } }),
    )
    expect(left).toMatchObject({ pending: null })
  })

  test("killed before the exchange commits, or before it is marked, it is asked about again", async () => {
    const { scope, botId, returns, asVisitor } = await makeShop()
    const added = await add(scope, botId, "Garage", otherText)
    death.isDue = true
    await expect(checkHeld(scope, botId)).rejects.toThrow("killed")
    expect((await getSource(scope, added.id)).status).toBe("checking")
    expect(await asVisitor("How do I open the garage door?")).not.toContain(otherText)
    death.isDue = false
    await checkHeld(scope, botId)
    expect((await getSource(scope, added.id)).status).toBe("ready")

    await replaceWith(scope, returns.id, "We like tea.")
    death.isDue = true
    await expect(checkHeld(scope, botId)).rejects.toThrow("killed")
    expect((await getSource(scope, returns.id)).status).toBe("checking")
    expect(await asVisitor()).toContain(returnsText)
    death.isDue = false
    await checkHeld(scope, botId)
    expect((await getSource(scope, returns.id)).status).toBe("held")
  })

  test("is asked about in batches, and only what makes it worse waits", async () => {
    const { scope, botId, returns } = await makeShop()
    const harmless = []
    for (let i = 0; i < 7; i++)
      harmless.push(await add(scope, botId, `Room ${i}`, `Room number ${i} has ${i} chairs.`))
    await replaceWith(scope, returns.id, otherText)
    death.runs = 0
    await checkHeld(scope, botId)
    for (const { id } of harmless) expect((await getSource(scope, id)).status).toBe("ready")
    expect((await getSource(scope, returns.id)).status).toBe("held")
    // Eight sources, and not a run for each: halves of what is worse alone.
    expect(death.runs).toBeLessThan(8)
  })

  test("too much for one transaction is asked about in smaller parts", async () => {
    const { scope, botId } = await makeShop()
    const added = []
    for (let i = 0; i < 3; i++)
      added.push(await add(scope, botId, `Hall ${i}`, `Hall number ${i} has ${i} windows.`))
    death.tooSlow = 2
    await checkHeld(scope, botId)
    for (const { id } of added) expect((await getSource(scope, id)).status).toBe("ready")
  })

  test("replaced while it waits, the next version is asked about and the held one is gone", async () => {
    const { scope, botId, returns, asVisitor } = await makeShop()
    await replaceWith(scope, returns.id, otherText)
    await checkHeld(scope, botId)
    const mended = `${returnsText} Socks too.`
    await replaceSource(scope, returns.id, { title: "Returns", text: mended })
    expect(await countHeld(scope, returns.id)).toBe(0)
    await expect(acceptSource(scope, returns.id)).rejects.toMatchObject({ code: "conflict" })
    await ingestSource(returns.id)
    await checkHeld(scope, botId)
    expect(await getSource(scope, returns.id)).toMatchObject({ status: "ready", worse: null })
    expect(await asVisitor()).toEqual([mended])
  })

  test("is not listed for the worker while the bot is still reading, for a minute at most", async () => {
    const { scope, botId } = await makeShop()
    const held = await add(scope, botId, "Garage", otherText)
    const isListed = async () => (await listBotsToCheck()).some((one) => one.botId === botId)
    expect(await isListed()).toBe(true)
    await addTextSource(scope, botId, { title: "Later", text: "Not read yet." })
    expect(await isListed()).toBe(false)
    const updatedAt = new Date(Date.now() - 61_000)
    await withTenant(scope, (tx) =>
      tx.source.updateMany({ where: { id: held.id }, data: { updatedAt } }),
    )
    expect(await isListed()).toBe(true)
  })
})

test("without golden questions, or on a bot that is not published, it goes live at once", async () => {
  const { scope } = tenant
  const bare = await makeBot(scope)
  const first = await addTextSource(scope, bare.id, { title: "Returns", text: returnsText })
  expect(await ingestSource(first.id)).toBe("ready")
  const { botId } = await makeShop()
  await updateBot(scope, botId, { published: false })
  const second = await addTextSource(scope, botId, { title: "Garage", text: otherText })
  expect(await ingestSource(second.id)).toBe("ready")
  expect(await countHeld(scope, second.id)).toBe(0)
})

test("what waits is nobody else's, and a viewer's only to see", async () => {
  const shop = await makeShop()
  const other = await makeShop(stranger)
  await replaceWith(shop.scope, shop.returns.id, otherText)
  await replaceWith(other.scope, other.returns.id, otherText)
  await checkHeld(shop.scope, shop.botId)
  expect((await getSource(other.scope, other.returns.id)).status).toBe("checking")
  await checkHeld(other.scope, other.botId)
  const viewer = scopeAs(tenant, "viewer")
  for (const act of [acceptSource, discardSource]) {
    await expect(act(other.scope, shop.returns.id)).rejects.toMatchObject({ code: "not_found" })
    await expect(act(viewer, shop.returns.id)).rejects.toMatchObject({ code: "forbidden" })
  }
  expect((await getSource(shop.scope, shop.returns.id)).status).toBe("held")
  expect((await getSource(viewer, shop.returns.id)).worse).toHaveLength(1)
})

test("a run that judged knowledge is no yes to publishing", async () => {
  const { scope, botId, returns } = await makeShop()
  await replaceWith(scope, returns.id, otherText)
  await checkHeld(scope, botId)
  const confirmedRunId = (await getQuality(scope, botId)).runs[0]!.id
  await updateBot(scope, botId, { published: false })
  await deleteSource(scope, returns.id)
  expect(await changeBot(scope, botId, { published: true, confirmedRunId })).toMatchObject({
    needsConfirmation: true,
  })
})
