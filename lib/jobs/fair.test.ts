import { afterAll, beforeAll, expect, test } from "vitest"
import { env } from "#lib/env.ts"
import { addPageSource } from "#lib/knowledge/add-sources.ts"
import { addCrawl } from "#lib/knowledge/crawl-commands.ts"
import { getSource, listCrawls } from "#lib/knowledge/queries.ts"
import { quotas } from "#lib/knowledge/quotas.ts"
import { htmlPage, type Site, serveSite } from "#lib/knowledge/site.fixture.ts"
import { disconnect } from "#lib/tenancy/database.ts"
import { type MadeTenant, makeBot, makeTenant } from "#prisma/factories.ts"
import { type ClonedDatabase, cloneDatabase } from "../../runtime/test-database.ts"
import { type CrawlStarter, startCrawlStarter } from "./crawl-starter.ts"
import { type IngestQueue, startIngestQueue } from "./ingest-queue.ts"

// A database of its own: a worker reads whatever is queued, other tests' sources included.
let clone: ClonedDatabase
let site: Site
let queue: IngestQueue
let starter: CrawlStarter

beforeAll(async () => {
  clone = await cloneDatabase()
  env.DATABASE_URL = clone.appUrl
  site = await serveSite(["shop.example.com", "quick.example.com"])
  const fetch: Site["outbound"]["fetch"] = (...args) => site.outbound.fetch(...args)
  queue = await startIngestQueue({ fetch })
  starter = startCrawlStarter({ fetch })
})
afterAll(async () => {
  await Promise.all([queue.stop(2_000), starter.stop()])
  site.close()
  await disconnect()
  await clone.drop()
})

const vet: Site["outbound"]["vet"] = (...args) => site.outbound.vet(...args)

async function untilReady(tenant: MadeTenant, sourceId: string): Promise<void> {
  while ((await getSource(tenant.scope, sourceId)).status !== "ready")
    await new Promise((resolve) => setTimeout(resolve, 100))
}

test("D36 one account that starts a hundred websites gets two at a time and twenty at most; another's first page is read at once", async () => {
  // Two seconds between two pages, because the site asks for it: the busy account is busy for minutes.
  site.pages.set("/robots.txt", { body: "User-agent: *\nCrawl-delay: 2" })
  const links = Array.from({ length: 12 }, (_, i) => `/page${i}`)
  for (let i = 0; i < 100; i++)
    site.pages.set(`/site${i}`, htmlPage(`Site ${i}`, `Start ${i}.`, links))
  for (const path of links) site.pages.set(path, htmlPage(path, `Text of ${path}.`, links))
  const [busy, other] = [await makeTenant(), await makeTenant()]
  const botId = (await makeBot(busy.scope)).id
  for (let i = 0; i < 100; i++) {
    const adding = addCrawl(busy.scope, botId, { url: site.url(`/site${i}`) }, vet)
    if (i < quotas.crawls) await adding
    else await expect(adding).rejects.toMatchObject({ code: "conflict" })
  }
  const states = async () => (await listCrawls(busy.scope, botId)).data.map(({ status }) => status)
  while (!(await states()).includes("running"))
    await new Promise((resolve) => setTimeout(resolve, 100))

  const startedAt = performance.now()
  const url = site.url("/page0").replace("shop.", "quick.")
  const page = await addPageSource(other.scope, (await makeBot(other.scope)).id, { url }, vet)
  await untilReady(other, page.id)
  expect(performance.now() - startedAt).toBeLessThan(60_000)
  const now = await states()
  expect(now.filter((status) => status === "running").length).toBeLessThanOrEqual(
    quotas.runningCrawls,
  )
  expect(now).toContain("queued")
}, 150_000)
