import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { gzipSync } from "node:zlib"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { disconnect } from "#lib/tenancy/database.ts"
import { type MadeTenant, makeBot, makeTenant } from "#prisma/factories.ts"
import { addPageSource } from "./add-sources.ts"
import { addCrawl } from "./crawl-commands.ts"
import { ingestSource } from "./ingest.ts"
import { startCrawl } from "./open-crawl.ts"
import { getCrawl, getSource, getSourceText, listSources } from "./queries.ts"
import { crawlLimits } from "./quotas.ts"
import { type Answer, htmlPage, type Site, serveSite } from "./site.fixture.ts"
import { chooseLinks } from "./site.ts"

// Websites that mean harm, or are broken as if they did.

let tenant: MadeTenant
let botId: string
let site: Site
let sink: Server
let sinkUrl = ""
let sinkHits = 0

beforeAll(async () => {
  tenant = await makeTenant()
  sink = createServer((_, response) => {
    sinkHits += 1
    response.end("secret of the inner network")
  })
  await new Promise<void>((resolve) => sink.listen(0, "127.0.0.1", resolve))
  sinkUrl = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`
})
beforeEach(async () => {
  botId = (await makeBot(tenant.scope)).id
  site = await serveSite()
  sinkHits = 0
})
afterEach(() => site.close())
afterAll(async () => {
  sink.close()
  await disconnect()
})

const fetch: Site["outbound"]["fetch"] = (...args) => site.outbound.fetch(...args)
const vet: Site["outbound"]["vet"] = (...args) => site.outbound.vet(...args)
const pages = async () => (await listSources(tenant.scope, botId, { limit: 200 })).data

async function readPage(path: string) {
  const { id } = await addPageSource(tenant.scope, botId, { url: site.url(path) }, vet)
  const startedAt = performance.now()
  const outcome = await ingestSource(id, { fetch })
  const seconds = (performance.now() - startedAt) / 1_000
  return { outcome, seconds, source: await getSource(tenant.scope, id) }
}

async function readSite(input = {}) {
  const { id } = await addCrawl(tenant.scope, botId, { url: site.url(), ...input }, vet)
  await startCrawl({ crawlId: id, tenantId: tenant.tenantId }, { fetch })
  for (;;) {
    const next = (await pages()).find(({ status }) => status === "queued")
    if (!next) return getCrawl(tenant.scope, id)
    await ingestSource(next.id, { fetch })
  }
}

describe("D26 a page that leads to a private address by other means than a redirect leads nowhere:", () => {
  const lures: [string, (to: string) => Answer][] = [
    [
      "meta refresh",
      (to) => htmlPage("Lure", "Text.", [], `<meta http-equiv="refresh" content="0;url=${to}">`),
    ],
    [
      "a Refresh header",
      (to) => ({ ...htmlPage("Lure", "Text."), headers: { refresh: `0;url=${to}` } }),
    ],
    ["a script", (to) => htmlPage("Lure", "Text.", [], `<script>location="${to}"</script>`)],
    ["a base", (to) => htmlPage("Lure", "Text.", ["/x"], `<base href="${to}/">`)],
    [
      "a canonical address",
      (to) => htmlPage("Lure", "Text.", [], `<link rel="canonical" href="${to}">`),
    ],
    [
      "a frame",
      (to) => ({
        body: `<title>Lure</title><main><p>Text.</p><iframe src="${to}"></iframe></main>`,
      }),
    ],
    ["a link", (to) => htmlPage("Lure", "Text.", [to])],
  ]
  test.each(lures)("%s", async (_, lure) => {
    site.pages.set("/", lure(sinkUrl))
    await readSite()
    await readPage("/")
    expect(sinkHits).toBe(0)
    for (const { url } of await pages()) expect(url).not.toContain("127.0.0.1")
  })
})

describe("D30 what a site says about itself is bounded:", () => {
  test("fifty megabytes of robots.txt are read as far as 500 kB, and obeyed as far", async () => {
    const lines = "Disallow: /nothing-there-at-all\n"
    site.pages.set("/robots.txt", {
      body: `User-agent: *\nDisallow: /private\n${lines.repeat((50 * 1024 * 1024) / lines.length)}`,
    })
    site.pages.set("/", htmlPage("Home", "Welcome.", ["/private/x", "/open"]))
    site.pages.set("/open", htmlPage("Open", "Open to all."))
    const startedAt = performance.now()
    expect(await readSite()).toMatchObject({ status: "done", pagesReady: 2 })
    expect(performance.now() - startedAt).toBeLessThan(30_000)
    expect(site.hits).not.toContain("/private/x")
  }, 60_000)

  test("a sitemap of ten megabytes that inflates to ten gigabytes is passed over", async () => {
    // One gzip member after the other is one file.
    const member = gzipSync(Buffer.alloc(100 * 1024 * 1024))
    const bomb = Buffer.concat(Array<Buffer>(100).fill(member))
    expect(bomb.length).toBeLessThan(11 * 1024 * 1024)
    site.pages.set("/robots.txt", { body: `Sitemap: ${site.url("/bomb.xml.gz")}` })
    site.pages.set("/bomb.xml.gz", { body: bomb })
    site.pages.set("/sitemap.xml", { headers: { "content-encoding": "gzip" }, body: bomb })
    site.pages.set("/", htmlPage("Home", "Welcome."))
    const before = process.memoryUsage().rss
    const startedAt = performance.now()
    expect(await readSite()).toMatchObject({ status: "done", pagesReady: 1 })
    expect(performance.now() - startedAt).toBeLessThan(30_000)
    expect(process.memoryUsage().rss - before).toBeLessThan(512 * 1024 * 1024)
  }, 60_000)

  test("lists of sitemaps without end, and entities, cost ten requests and read no file", async () => {
    for (let i = 0; i < 60; i++)
      site.pages.set(`/list${i}.xml`, {
        body: `<!DOCTYPE s [<!ENTITY e SYSTEM "file:///etc/passwd"><!ENTITY f SYSTEM "${sinkUrl}">]><sitemapindex><sitemap><loc>${site.url(`/list${i + 1}.xml`)}</loc></sitemap><sitemap><loc>${site.url(`/list${i}.xml`)}</loc></sitemap><sitemap><loc>&e;</loc></sitemap><sitemap><loc>&f;</loc></sitemap></sitemapindex>`,
      })
    site.pages.set("/robots.txt", { body: `Sitemap: ${site.url("/list0.xml")}` })
    site.pages.set("/", htmlPage("Home", "Welcome."))
    expect(await readSite()).toMatchObject({ status: "done", pagesReady: 1 })
    expect(site.hits.filter((path) => path.endsWith(".xml")).length).toBeLessThanOrEqual(
      crawlLimits.sitemaps,
    )
    expect(sinkHits).toBe(0)
  })
})

describe("D32 a site without end is read to a limit and says so:", () => {
  test("calendars, session ids, permuted queries and growing paths", async () => {
    const day = (request: { url?: string | undefined }) => {
      const url = new URL(request.url ?? "/", site.url())
      const n = Number(url.searchParams.get("day") ?? 0)
      const links = [
        `/calendar?day=${n + 1}`,
        `/calendar?day=${n + 1}&PHPSESSID=${n}abc`,
        `/calendar;jsessionid=${n}?day=${n + 1}`,
        `/calendar?a=1&b=2&day=${n}`,
        `/calendar?b=2&a=1&day=${n}`,
        `${url.pathname.replace(/\/$/, "")}/calendar/calendar/calendar/?day=1`,
      ]
      return htmlPage(`Day ${n}`, `Nothing happens on day ${n} (${url.search}).`, links)
    }
    site.pages.get = ((path: string) => {
      if (path === "/robots.txt" || path === "/sitemap.xml") return undefined
      return day
    }) as typeof site.pages.get
    const done = await readSite({ maxPages: 40 })
    expect(done.status).toBe("done")
    expect(done.pagesFound).toBeLessThanOrEqual(40)
    const hits = site.hits.filter((path) => path.includes("calendar"))
    // Of one path with many queries a few are read; what only differs in order or session is one.
    expect(hits.length).toBeLessThanOrEqual(crawlLimits.queriesPerPath + 1)
    expect(new Set(hits).size).toBe(hits.length)
    expect(hits.some((path) => /sess|calendar\/calendar\/calendar/i.test(path))).toBe(false)
  }, 60_000)

  test("a million links on a page, in less than its time", async () => {
    const links = Array.from({ length: 1_000_000 }, (_, i) => `<a href=/p${i}>x</a>`).join("")
    site.pages.set("/", htmlPage("Home", "Welcome.", ["/many", "/few"]))
    site.pages.set("/many", { body: `<title>Many</title><main><p>Start.</p>${links}</main>` })
    const few = Array.from({ length: 20_000 }, (_, i) => `/p${i}`)
    site.pages.set("/few", htmlPage("Few", "Twenty thousand.", few))
    for (let i = 0; i < 5; i++) site.pages.set(`/p${i}`, htmlPage(`P${i}`, `Page number ${i}.`))
    const startedAt = performance.now()
    const done = await readSite({ maxPages: 6 })
    expect(performance.now() - startedAt).toBeLessThan(60_000)
    expect(done).toMatchObject({ status: "done", pagesFound: 6 })
    expect(done.notice).toMatch(/more pages than the 6/)
    // Five megabytes of nothing but links are read, or left out with a sentence.
    for (const { url, reason } of done.skipped) {
      if (url.endsWith("/many")) expect(reason).toMatch(/too complicated|too long/)
    }
  }, 90_000)

  test("two orders of one query are one address", () => {
    const home = "https://shop.example.com/"
    const links = [`${home}a?x=1&y=2`, `${home}a?y=2&x=1`]
    expect(chooseLinks(links, { home, known: [] })).toHaveLength(1)
  })
})

describe("D33 a page that is none:", () => {
  test("a program that calls itself a page is skipped with a sentence", async () => {
    const program = Buffer.concat([Buffer.from("7f454c46020101", "hex"), Buffer.alloc(5_000)])
    site.pages.set("/x", { body: program })
    const { outcome, source } = await readPage("/x")
    expect(outcome).toBe("failed")
    expect(source.error).toMatch(/no text/)
  })

  test("UTF-7 stays the letters it is", async () => {
    site.pages.set("/x", {
      headers: { "content-type": "text/html; charset=utf-7" },
      body: "<title>Seven</title><main><p>Safe text +ADw-script+AD4-alert(1)+ADw-/script+AD4-</p></main>",
    })
    const { outcome, source } = await readPage("/x")
    expect(outcome).toBe("ready")
    const { text } = await getSourceText(tenant.scope, source.id)
    expect(text).toContain("+ADw-script")
    expect(text).not.toContain("<script>")
  })

  test("a hundred megabytes are read as far as five, within the time and memory of a page", async () => {
    const part = "<p>One more sentence of a very long page about nothing.</p>\n"
    const body = Buffer.alloc(100 * 1024 * 1024, part)
    site.pages.set("/x", { body })
    const { outcome, source, seconds } = await readPage("/x")
    expect(seconds).toBeLessThan(30)
    // Either its first part or, where that holds too much for one source, a sentence.
    if (outcome === "ready") expect(source.notice).toMatch(/first 5 MB/)
    else expect(source.error).toMatch(/more text than one source|too complicated|too long/)
  }, 60_000)
})

test("D34 whoever asks us for a password or gives us a cookie gets neither back, nor word of where we were", async () => {
  site.pages.set("/", {
    ...htmlPage("Home", "Welcome.", ["/locked", "/away"]),
    headers: { "set-cookie": "id=1; Path=/" },
  })
  site.pages.set("/locked", {
    status: 401,
    headers: { "www-authenticate": 'Basic realm="x"', "set-cookie": "id=2" },
  })
  site.pages.set("/away", {
    status: 302,
    headers: { location: site.url("/there").replace("shop.", "www.shop."), "set-cookie": "id=3" },
  })
  site.pages.set("/there", htmlPage("There", "Arrived."))
  const done = await readSite()
  expect(done.skipped.map(({ reason }) => reason)).toContain(
    "This page asks for a sign-in. Only pages that everyone can see can be read.",
  )
  expect(site.hits).toContain("/there")
  for (const { headers } of site.requests) {
    expect(headers["user-agent"]).toMatch(/^Coatcheck\/1\.0 /)
    for (const name of ["cookie", "authorization", "proxy-authorization", "referer", "origin"])
      expect(headers[name]).toBeUndefined()
  }
})

test("D35 other hosts are out of scope, wherever a site names them: links, sitemaps, redirects, subdomains", async () => {
  const foreign = ["other.example.net", "old.shop.example.com", "shop.example.com.evil.example"]
  const asked: string[] = []
  const watching: typeof fetch = (url, options) => {
    asked.push(new URL(url).hostname)
    return fetch(url, options)
  }
  const there = foreign.map((host) => `http://${host}/page`)
  site.pages.set("/robots.txt", {
    body: there.map((url) => `Sitemap: ${url}.xml`).join("\n"),
  })
  site.pages.set("/sitemap.xml", {
    body: `<urlset>${there.map((url) => `<url><loc>${url}</loc></url>`).join("")}</urlset>`,
  })
  site.pages.set("/", htmlPage("Home", "Welcome.", [...there, "/away"]))
  site.pages.set("/away", { status: 302, headers: { location: there[1]! } })
  const { id } = await addCrawl(tenant.scope, botId, { url: site.url() }, vet)
  await startCrawl({ crawlId: id, tenantId: tenant.tenantId }, { fetch: watching })
  for (;;) {
    const next = (await pages()).find(({ status }) => status === "queued")
    if (!next) break
    await ingestSource(next.id, { fetch: watching })
  }
  expect((await getCrawl(tenant.scope, id)).pagesReady).toBe(1)
  expect(new Set(asked)).toEqual(new Set(["shop.example.com"]))
  expect((await pages()).map(({ url }) => url)).toEqual([site.url()])
})
