import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import { listDuePages } from "#lib/tenancy/directory.ts"
import { type MadeTenant, makeBot, makeTenant, scopeAs } from "#prisma/factories.ts"
import { addPageSource, addPageSources, addTextSource } from "./add-sources.ts"
import { cancelSource, updateSource } from "./commands.ts"
import { addCrawl, refreshCrawl, updateCrawl } from "./crawl-commands.ts"
import { ingestSource } from "./ingest.ts"
import { queueDuePage, startCrawl } from "./open-crawl.ts"
import { getCrawl, getSource, listSources } from "./queries.ts"
import { quotas } from "./quotas.ts"
import { searchKnowledge } from "./search.ts"
import { htmlPage, type Site, serveSite } from "./site.fixture.ts"

let tenant: MadeTenant
let botId: string
let site: Site

beforeAll(async () => {
  tenant = await makeTenant()
})
beforeEach(async () => {
  botId = (await makeBot(tenant.scope)).id
  site = await serveSite()
})
afterEach(() => site.close())
afterAll(() => disconnect())

const fetch: Site["outbound"]["fetch"] = (...args) => site.outbound.fetch(...args)
const vet: Site["outbound"]["vet"] = (...args) => site.outbound.vet(...args)
const pages = async () => (await listSources(tenant.scope, botId, { limit: 200 })).data

async function readSite(crawlId: string) {
  await startCrawl({ crawlId, tenantId: tenant.tenantId }, { fetch })
  for (;;) {
    const next = (await pages()).find(({ status }) => status === "queued")
    if (!next) return getCrawl(tenant.scope, crawlId)
    await ingestSource(next.id, { fetch })
  }
}

describe("what visitors see of a source", () => {
  test("is chosen for each, comes with every passage, and is no viewer's to change", async () => {
    const source = await addTextSource(tenant.scope, botId, { title: "T", text: "A zebra fact." })
    await ingestSource(source.id)
    const found = async () => (await searchKnowledge(tenant.scope, botId, "zebra", 3)).passages[0]
    expect(await found()).toMatchObject({ visibility: "link" })
    const changed = await updateSource(tenant.scope, source.id, { visibility: "hidden" })
    expect(changed).toMatchObject({ visibility: "hidden", status: "ready" })
    expect(await found()).toMatchObject({ visibility: "hidden", text: "A zebra fact." })
    const viewer = scopeAs(tenant, "viewer")
    await expect(updateSource(viewer, source.id, { visibility: "link" })).rejects.toMatchObject({
      code: "forbidden",
    })
    const stranger = await makeTenant()
    await expect(
      updateSource(stranger.scope, source.id, { visibility: "link" }),
    ).rejects.toMatchObject({ code: "not_found" })
  })

  test("is chosen for a website as a whole, pages found later included", async () => {
    site.pages.set("/", htmlPage("Home", "Welcome.", ["/a"]))
    site.pages.set("/a", htmlPage("A", "Text of page a."))
    const url = site.url()
    const { id } = await addCrawl(tenant.scope, botId, { url, visibility: "title" }, vet)
    await readSite(id)
    expect((await pages()).map(({ visibility }) => visibility)).toEqual(["title", "title"])
    expect(await updateCrawl(tenant.scope, id, { visibility: "hidden" })).toMatchObject({
      visibility: "hidden",
    })
    site.pages.set("/", htmlPage("Home", "Welcome again.", ["/a", "/b"]))
    site.pages.set("/b", htmlPage("B", "Text of page b."))
    await refreshCrawl(tenant.scope, id)
    await readSite(id)
    expect((await pages()).map(({ visibility }) => visibility)).toEqual(Array(3).fill("hidden"))
  })
})

describe("a single page with a schedule", () => {
  test("is queued when its turn comes, and not before", async () => {
    site.pages.set("/", htmlPage("Home", "Version one."))
    const input = { url: site.url(), schedule: "daily" } as const
    const { id } = await addPageSource(tenant.scope, botId, input, vet)
    await ingestSource(id, { fetch })
    const isDue = async () => (await listDuePages()).some(({ sourceId }) => sourceId === id)
    const next = new Date((await getSource(tenant.scope, id)).nextRunAt!).getTime()
    expect(next - Date.now()).toBeGreaterThan(23 * 3_600_000)
    expect(await isDue()).toBe(false)
    await queueDuePage({ sourceId: id, tenantId: tenant.tenantId })
    expect((await getSource(tenant.scope, id)).status).toBe("ready")
    await withTenant(tenant.scope, (tx) =>
      tx.source.update({ where: { id }, data: { nextRunAt: new Date(Date.now() - 1_000) } }),
    )
    expect(await isDue()).toBe(true)
    await queueDuePage({ sourceId: id, tenantId: tenant.tenantId })
    expect(await isDue()).toBe(false)
    // Stopping it is no reason to queue it again at once.
    expect(await cancelSource(tenant.scope, id)).toMatchObject({ status: "ready" })
    expect(await isDue()).toBe(false)
    const never = await updateSource(tenant.scope, id, { schedule: "never" })
    expect(never).toMatchObject({ schedule: "never", nextRunAt: null })
  })

  test("is none of a text's or of a website's page", async () => {
    const text = await addTextSource(tenant.scope, botId, { title: "T", text: "x" })
    await expect(updateSource(tenant.scope, text.id, { schedule: "daily" })).rejects.toMatchObject({
      code: "conflict",
    })
  })
})

describe("a list of addresses", () => {
  test("adds each page once and says which it left out", async () => {
    const urls = [site.url("/a"), site.url("/b"), site.url("/a"), "http://127.0.0.1/", "no page"]
    const { added, refused } = await addPageSources(
      tenant.scope,
      botId,
      { urls: ` ${urls.slice(0, 4).join("\n")}\n\nftp://shop.example.com/` },
      vet,
    )
    expect(added.map(({ url }) => url)).toEqual([site.url("/a"), site.url("/b")])
    expect(refused.map(({ url }) => url)).toEqual(["http://127.0.0.1/", "ftp://shop.example.com/"])
  })

  test("of one address, or of too many, is refused as a whole", async () => {
    const add = (urls: string) => addPageSources(tenant.scope, botId, { urls }, vet)
    await expect(add("http://127.0.0.1/")).rejects.toMatchObject({ code: "url_not_allowed" })
    await expect(add(" ")).rejects.toMatchObject({ code: "invalid" })
    const many = Array.from({ length: 51 }, (_, i) => site.url(`/${i}`)).join("\n")
    await expect(add(many)).rejects.toMatchObject({ code: "invalid", issues: [{ path: "urls" }] })
    expect(await pages()).toEqual([])
  })
})

describe("parts of a website that are left out", () => {
  test("are not asked for, and leave when they were read before", async () => {
    const links = ["/blog", "/blog/one", "/blogger"]
    site.pages.set("/", htmlPage("Home", "Welcome.", links))
    for (const path of links) site.pages.set(path, htmlPage(path, `Text of ${path} alone.`))
    const { id } = await addCrawl(tenant.scope, botId, { url: site.url() }, vet)
    expect(await readSite(id)).toMatchObject({ pagesReady: 4 })
    await updateCrawl(tenant.scope, id, { exclude: ["/blog/"] })
    await refreshCrawl(tenant.scope, id)
    site.hits.length = 0
    const done = await readSite(id)
    expect((await pages()).map(({ url }) => url).sort()).toEqual([site.url(), site.url("/blogger")])
    expect(site.hits.some((path) => /^\/blog(?:\/|$)/.test(path))).toBe(false)
    expect(done.skipped.map(({ reason }) => reason)).toEqual(
      Array(2).fill("You left this part of the website out."),
    )
    await expect(updateCrawl(tenant.scope, id, { exclude: ["blog"] })).rejects.toMatchObject({
      code: "invalid",
    })
  })
})

test("websites never take more sources than the account may have, however many are read at once", async () => {
  const other = await makeTenant()
  const bots = await Promise.all(Array.from({ length: 4 }, () => makeBot(other.scope)))
  await withTenant(
    other.scope,
    (tx) => tx.$executeRaw`
      insert into sources (id, tenant_id, bot_id, kind, title, status)
      select 'src_' || md5(g::text || ${other.tenantId}), ${other.tenantId}, ${bots[0]!.id}, 'text', 'x', 'ready'
      from generate_series(1, ${quotas.sources - 3}::int) g`,
  )
  const listed = Array.from({ length: 5 }, (_, i) => `<url><loc>${site.url(`/${i}`)}</loc></url>`)
  site.pages.set("/sitemap.xml", { body: `<urlset>${listed.join("")}</urlset>` })
  const crawls = await Promise.all(
    bots.map((bot) => addCrawl(other.scope, bot.id, { url: site.url() }, vet)),
  )
  await Promise.all(
    crawls.map(({ id }) => startCrawl({ crawlId: id, tenantId: other.tenantId }, { fetch })),
  )
  const held = await withTenant(other.scope, (tx) => tx.source.count())
  expect(held).toBe(quotas.sources)
  const notices = await Promise.all(
    crawls.map(async ({ id }) => (await getCrawl(other.scope, id)).notice),
  )
  expect(
    notices.filter((notice) => /as many sources as it may have/.test(notice ?? "")),
  ).not.toEqual([])
})
