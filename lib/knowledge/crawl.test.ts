import { gzipSync } from "node:zlib"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import { listDueCrawls } from "#lib/tenancy/directory.ts"
import { type MadeTenant, makeBot, makeTenant } from "#prisma/factories.ts"
import { addPageSource } from "./add-sources.ts"
import { cancelSource, retrySource } from "./commands.ts"
import { addCrawl, deleteCrawl, refreshCrawl, stopCrawl, updateCrawl } from "./crawl-commands.ts"
import { ingestSource } from "./ingest.ts"
import { startCrawl } from "./open-crawl.ts"
import { getCrawl, getSource, listSources } from "./queries.ts"
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
const addPage = (url: string) => addPageSource(tenant.scope, botId, { url }, vet)
const addSite = (input = {}) => addCrawl(tenant.scope, botId, { url: site.url(), ...input }, vet)
const pages = async () => (await listSources(tenant.scope, botId, { limit: 200 })).data
const ask = async (query: string) =>
  (await searchKnowledge(tenant.scope, botId, query, 5)).passages.map(({ text }) => text)
const change = (id: string, data: object) =>
  withTenant(tenant.scope, (tx) => tx.source.update({ where: { id }, data }))
const changeCrawl = (id: string, data: object) =>
  withTenant(tenant.scope, (tx) => tx.crawl.update({ where: { id }, data }))

const open = (crawlId: string) => startCrawl({ crawlId, tenantId: tenant.tenantId }, { fetch })

/** One run, as the worker makes it: its pages one after the other until none waits. */
async function run(crawlId: string) {
  await open(crawlId)
  for (;;) {
    const next = (await pages()).find(({ status }) => status === "queued")
    if (!next) return getCrawl(tenant.scope, crawlId)
    await ingestSource(next.id, { fetch })
  }
}

describe("one web page", () => {
  test("is read with its title, its address and without the site's frame", async () => {
    site.pages.set("/hours", htmlPage("Opening hours", "We open at nine.", ["/"]))
    const queued = await addPage(site.url("/hours#top"))
    expect(queued).toMatchObject({ kind: "page", status: "queued", url: site.url("/hours") })
    expect(await ingestSource(queued.id, { fetch })).toBe("ready")
    expect(await getSource(tenant.scope, queued.id)).toMatchObject({
      title: "Opening hours",
      status: "ready",
      error: null,
    })
    const { passages } = await searchKnowledge(tenant.scope, botId, "When do you open?", 3)
    expect(passages[0]).toMatchObject({ text: "We open at nine.", url: site.url("/hours") })
  })

  test("is asked for as who we are, without cookies, credentials or where we come from", async () => {
    site.pages.set("/", { ...htmlPage("Home", "Hello."), headers: { "set-cookie": "a=b" } })
    const source = await addPage(site.url())
    await ingestSource(source.id, { fetch })
    await retrySource(tenant.scope, source.id)
    await ingestSource(source.id, { fetch })
    for (const { headers } of site.requests) {
      expect(headers["user-agent"]).toMatch(/^Coatcheck\/1\.0 /)
      for (const name of ["cookie", "authorization", "referer", "origin"])
        expect(headers[name]).toBeUndefined()
    }
  })

  test("added twice is one source, read again; unchanged by ETag or by content it stays as it is", async () => {
    site.pages.set("/", (request) =>
      request.headers["if-none-match"] === '"1"'
        ? { status: 304 }
        : { ...htmlPage("Home", "Version one."), headers: { etag: '"1"' } },
    )
    const first = await addPage(site.url())
    await ingestSource(first.id, { fetch })
    const chunk = async () =>
      (
        await withTenant(tenant.scope, (tx) => tx.chunk.findMany({ where: { sourceId: first.id } }))
      )[0]
    const before = await chunk()
    expect((await addPage(site.url())).id).toBe(first.id)
    expect(await ingestSource(first.id, { fetch })).toBe("ready")
    expect(await chunk()).toEqual(before)
    // No ETag any more: the same bytes are found to be the same.
    site.pages.set("/", htmlPage("Home", "Version one."))
    await retrySource(tenant.scope, first.id)
    await ingestSource(first.id, { fetch })
    expect(await chunk()).toEqual(before)
    site.pages.set("/", htmlPage("Home", "Version two."))
    await retrySource(tenant.scope, first.id)
    await ingestSource(first.id, { fetch })
    expect((await chunk())?.text).toBe("Version two.")
  })

  test.each([
    ["http://127.0.0.1/"],
    ["http://localhost/"],
    ["http://169.254.169.254/latest/meta-data/"],
    ["http://[::1]/"],
    ["file:///etc/passwd"],
    ["https://user:secret@shop.example.com/"],
    ["http://10.0.0.1/"],
    ["http://0x7f000001/"],
  ])("%s is refused when it is added", async (url) => {
    await expect(addPageSource(tenant.scope, botId, { url })).rejects.toMatchObject({
      code: "url_not_allowed",
    })
  })

  test.each([
    ["missing", { status: 404 }, /not there/],
    ["behind a sign-in", { status: 401 }, /sign-in/],
    ["refused", { status: 403 }, /refused/],
    [
      "a picture that calls itself a page",
      { body: Buffer.from("89504e470d0a1a0a00", "hex") },
      /no text/,
    ],
    [
      "written by scripts alone",
      { body: "<html><body><script>1</script></body></html>" },
      /no text on this page/,
    ],
    [
      "redirected to a private address",
      { status: 302, headers: { location: "http://127.0.0.1/" } },
      /not a public/,
    ],
  ])("%s fails with a plain sentence", async (_, answer, sentence) => {
    site.pages.set("/x", answer)
    const source = await addPage(site.url("/x"))
    expect(await ingestSource(source.id, { fetch })).toBe("failed")
    expect((await getSource(tenant.scope, source.id)).error).toMatch(sentence)
  })

  test("that goes round in circles fails within five hops", async () => {
    site.pages.set("/a", { status: 302, headers: { location: "/b" } })
    site.pages.set("/b", { status: 302, headers: { location: "/a" } })
    const source = await addPage(site.url("/a"))
    expect(await ingestSource(source.id, { fetch })).toBe("failed")
    expect((await getSource(tenant.scope, source.id)).error).toMatch(/without end/)
    expect(site.hits.length).toBeLessThanOrEqual(7)
  })

  test("that robots.txt forbids is not even asked for", async () => {
    site.pages.set("/robots.txt", { body: "User-agent: Coatcheck\nDisallow: /private" })
    site.pages.set("/private/x", htmlPage("Private", "Secret."))
    const source = await addPage(site.url("/private/x"))
    expect(await ingestSource(source.id, { fetch })).toBe("failed")
    expect((await getSource(tenant.scope, source.id)).error).toMatch(/robots\.txt/)
    expect(site.hits).toEqual(["/robots.txt"])
  })

  test("of a site in trouble is tried three times, later each time, and then fails", async () => {
    site.pages.set("/x", { status: 503 })
    const source = await addPage(site.url("/x"))
    const retryAt = () =>
      withTenant(tenant.scope, (tx) =>
        tx.source.findFirst({ where: { id: source.id }, select: { retryAt: true } }),
      ).then((row) => Math.round((row!.retryAt!.getTime() - Date.now()) / 1_000))
    expect(await ingestSource(source.id, { fetch })).toBe("later")
    expect(await retryAt()).toBeGreaterThan(20)
    expect(await ingestSource(source.id, { fetch })).toBe("later")
    expect(await retryAt()).toBeGreaterThan(100)
    expect(await ingestSource(source.id, { fetch })).toBe("failed")
    expect((await getSource(tenant.scope, source.id)).error).toMatch(/busy/)
  })

  test("that was read once goes on answering while its site is in trouble, and says so", async () => {
    site.pages.set("/x", htmlPage("X", "The lasting answer."))
    const source = await addPage(site.url("/x"))
    await ingestSource(source.id, { fetch })
    site.pages.set("/x", { status: 404 })
    await retrySource(tenant.scope, source.id)
    expect(await ingestSource(source.id, { fetch })).toBe("failed")
    expect(await getSource(tenant.scope, source.id)).toMatchObject({ status: "ready", error: null })
    expect((await getSource(tenant.scope, source.id)).notice).toMatch(/earlier one stays/)
    expect(await ask("lasting answer")).toEqual(["The lasting answer."])
  })
})

describe("a whole website", () => {
  const shop = () => {
    site.pages.set(
      "/",
      htmlPage("Home", "Welcome to the shop.", ["/help", "/about", "https://other.example.net/"]),
    )
    site.pages.set("/help", htmlPage("Help", "Returns within thirty days.", ["/", "/help/deep#x"]))
    site.pages.set("/help/deep", htmlPage("Deep", "Gift wrapping costs two euros.", ["/broken"]))
    site.pages.set("/about", { status: 301, headers: { location: "/about/" } })
    site.pages.set("/about/", htmlPage("About", "Founded in a garage."))
  }

  test("is followed by its links on its own host, each page once, and says what was skipped", async () => {
    shop()
    const crawl = await addSite()
    const done = await run(crawl.id)
    expect(done).toMatchObject({ status: "done", pagesReady: 4, error: null, notice: null })
    expect(done.skipped).toEqual([
      { url: site.url("/broken"), reason: "This page is not there (any more)." },
    ])
    expect((await pages()).map(({ url }) => url).sort()).toEqual(
      ["/", "/about/", "/help", "/help/deep"].map((path) => site.url(path)),
    )
    expect(await ask("gift wrapping")).toEqual(["Gift wrapping costs two euros."])
    expect(site.hits.filter((path) => path === "/help")).toHaveLength(1)
  })

  test("read again changes only what changed, adds what is new and drops what is gone", async () => {
    shop()
    const crawl = await addSite()
    await run(crawl.id)
    const ids = async () =>
      Object.fromEntries(
        (await withTenant(tenant.scope, (tx) => tx.chunk.findMany({ where: { botId } }))).map(
          ({ text, id }) => [text, id],
        ),
      )
    const before = await ids()
    site.pages.set("/", htmlPage("Home", "Welcome to the new shop.", ["/help", "/fresh", "/about"]))
    site.pages.set("/fresh", htmlPage("Fresh", "Something new."))
    site.pages.delete("/help/deep")
    await refreshCrawl(tenant.scope, crawl.id)
    const done = await run(crawl.id)
    const after = await ids()
    expect(done).toMatchObject({ status: "done", pagesReady: 4 })
    expect(Object.keys(after).sort()).toEqual([
      "Founded in a garage.",
      "Returns within thirty days.",
      "Something new.",
      "Welcome to the new shop.",
    ])
    for (const text of ["Founded in a garage.", "Returns within thirty days."])
      expect(after[text]).toBe(before[text])
  })

  test("names its pages in sitemaps, packed ones and lists of them too; bombs and strangers are passed over", async () => {
    site.pages.set("/robots.txt", {
      body: `Sitemap: ${site.url("/list.xml")}\nSitemap: https://other.example.net/sitemap.xml\nUser-agent: *\nDisallow: /private`,
    })
    site.pages.set("/list.xml", {
      body: `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><sitemapindex><sitemap><loc>${site.url("/a.xml.gz")}</loc></sitemap><sitemap><loc>${site.url("/bomb.xml.gz")}</loc></sitemap><sitemap><loc>${site.url("/list.xml")}</loc></sitemap></sitemapindex>`,
    })
    site.pages.set("/a.xml.gz", {
      body: gzipSync(
        `<urlset><url><loc>${site.url("/one")}</loc></url><url><loc>&e;</loc></url><url><loc>${site.url("/private/x")}</loc></url></urlset>`,
      ),
    })
    site.pages.set("/bomb.xml.gz", { body: gzipSync(Buffer.alloc(40 * 1024 * 1024)) })
    site.pages.set("/", htmlPage("Home", "Home text."))
    site.pages.set("/one", htmlPage("One", "Text of page one."))
    const done = await run((await addSite()).id)
    expect(done).toMatchObject({ status: "done", pagesReady: 2 })
    expect(site.hits).not.toContain("/private/x")
  })

  test("whose robots.txt forbids it, or whose start leads elsewhere, fails and says why", async () => {
    site.pages.set("/robots.txt", { body: "User-agent: *\nDisallow: /" })
    expect(await run((await addSite()).id)).toMatchObject({
      status: "failed",
      error: expect.stringMatching(/robots\.txt/),
    })
    site.pages.delete("/robots.txt")
    site.pages.set("/", { status: 302, headers: { location: "https://other.example.net/" } })
    const again = await addSite()
    expect(await run(again.id)).toMatchObject({ status: "failed", pagesReady: 0 })
  })

  test("without end ends at its limit of pages and says so", async () => {
    site.pages.set("/", htmlPage("Start", "Calendar.", ["/day?d=0", "/a/a/a/a"]))
    for (let i = 0; i < 60; i++) {
      const links = [`/day?d=${i + 1}`, `/day?d=${i}&sid=${i}`, `/x/${i + 1}`, "/a/a/a"]
      site.pages.set(`/day?d=${i}`, htmlPage(`Day ${i}`, `Nothing on day ${i}.`, links))
      site.pages.set(`/x/${i}`, htmlPage(`X ${i}`, `Text ${i} of x.`, links))
    }
    const done = await run((await addSite({ maxPages: 6 })).id)
    expect(done).toMatchObject({ status: "done", pagesFound: 6, pagesReady: 6 })
    expect(done.notice).toMatch(/more pages than the 6/)
    expect(site.hits.some((path) => path.includes("sid="))).toBe(false)
    expect(site.hits.some((path) => path.startsWith("/a/a"))).toBe(false)
  }, 20_000)

  test("that shows one text at many addresses is learned once", async () => {
    site.pages.set("/", htmlPage("Home", "Same.", ["/copy1", "/copy2"]))
    site.pages.set("/copy1", htmlPage("Copy", "The same text."))
    site.pages.set("/copy2", htmlPage("Copy", "The same text."))
    const done = await run((await addSite()).id)
    expect(done).toMatchObject({ pagesReady: 2, skippedCount: 1 })
  })

  test("is stopped: what is read stays, what waits is given up, and reading again finds the rest", async () => {
    shop()
    const crawl = await addSite()
    await open(crawl.id)
    const first = (await pages())[0]!
    await ingestSource(first.id, { fetch })
    expect(await stopCrawl(tenant.scope, crawl.id)).toMatchObject({
      status: "stopped",
      pagesReady: 1,
    })
    expect((await pages()).map(({ status }) => status)).toEqual(["ready"])
    await expect(stopCrawl(tenant.scope, crawl.id)).rejects.toMatchObject({ code: "conflict" })
    await refreshCrawl(tenant.scope, crawl.id)
    expect(await run(crawl.id)).toMatchObject({ status: "done", pagesReady: 4 })
  })

  test("is deleted with everything learned from it", async () => {
    shop()
    const crawl = await addSite()
    await run(crawl.id)
    expect(await ask("thirty days")).not.toEqual([])
    await deleteCrawl(tenant.scope, crawl.id)
    expect(await ask("thirty days")).toEqual([])
    expect(await pages()).toEqual([])
    const terms = await withTenant(tenant.scope, (tx) => tx.botTerm.count({ where: { botId } }))
    expect(terms).toBe(0)
  })

  test("is due by its schedule, and not before", async () => {
    shop()
    const crawl = await addSite({ schedule: "daily" })
    const isDue = async () => (await listDueCrawls()).some(({ crawlId }) => crawlId === crawl.id)
    expect(await isDue()).toBe(true)
    await run(crawl.id)
    expect(await isDue()).toBe(false)
    const next = new Date((await getCrawl(tenant.scope, crawl.id)).nextRunAt!).getTime()
    expect(next - Date.now()).toBeGreaterThan(23 * 3_600_000)
    await changeCrawl(crawl.id, { nextRunAt: new Date(Date.now() - 1_000) })
    expect(await isDue()).toBe(true)
    expect(await run(crawl.id)).toMatchObject({ status: "done" })
    expect((await updateCrawl(tenant.scope, crawl.id, { schedule: "never" })).nextRunAt).toBeNull()
  })

  test("whose worker died while opening or closing it is picked up", async () => {
    shop()
    const crawl = await addSite()
    await changeCrawl(crawl.id, { status: "starting", updatedAt: new Date(Date.now() - 120_000) })
    expect(await run(crawl.id)).toMatchObject({ status: "done" })
    await changeCrawl(crawl.id, { status: "running", updatedAt: new Date(Date.now() - 120_000) })
    expect((await listDueCrawls()).map(({ crawlId }) => crawlId)).toContain(crawl.id)
    expect(await open(crawl.id)).toBe("settled")
    expect(await getCrawl(tenant.scope, crawl.id)).toMatchObject({ status: "done" })
  })

  test("is another tenant's to nobody", async () => {
    const stranger = await makeTenant()
    const crawl = await addSite()
    const missing = { code: "not_found" }
    await expect(getCrawl(stranger.scope, crawl.id)).rejects.toMatchObject(missing)
    await expect(refreshCrawl(stranger.scope, crawl.id)).rejects.toMatchObject(missing)
    await expect(stopCrawl(stranger.scope, crawl.id)).rejects.toMatchObject(missing)
    await expect(deleteCrawl(stranger.scope, crawl.id)).rejects.toMatchObject(missing)
    await expect(addCrawl(stranger.scope, botId, { url: site.url() }, vet)).rejects.toMatchObject(
      missing,
    )
  })
})

test("a page that is stopped while it is read writes nothing", async () => {
  let arrived = () => {}
  const asked = new Promise<void>((resolve) => {
    arrived = resolve
  })
  let answer = () => {}
  const held = new Promise<void>((resolve) => {
    answer = resolve
  })
  site.pages.set("/x", htmlPage("X", "Too late."))
  const source = await addPage(site.url("/x"))
  const slow: typeof fetch = async (url, options) => {
    if (url.endsWith("/x")) {
      arrived()
      await held
    }
    return fetch(url, options)
  }
  const reading = ingestSource(source.id, { fetch: slow })
  await asked
  expect(await cancelSource(tenant.scope, source.id)).toMatchObject({ status: "failed" })
  await retrySource(tenant.scope, source.id)
  await change(source.id, { status: "processing", attempts: 1 })
  answer()
  expect(await reading).toBe("gone")
  expect(await ask("too late")).toEqual([])
})
