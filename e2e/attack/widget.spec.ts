import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { brotliCompressSync } from "node:zlib"
import type { Frame } from "@playwright/test"
import {
  type Answer,
  ask,
  call,
  expectCall,
  newAddress,
  openSession,
  openShop,
  type Shop,
} from "../counter.ts"
import type { Deployment } from "../deployment.ts"
import { expect, test } from "../fixtures.ts"
import { shopPage } from "../sites.ts"
import { readRows } from "../walls/two-tenants.ts"
import { askWidget, findWidget, hasLauncher, openWidget } from "../widget.ts"

// The loader and the frame in pages that mean harm, and at a screen that many people use. Chromium alone:
// it is the browser that every machine of ours has.

const root = join(import.meta.dirname, "..", "..")

/** Its first source stands below an answer that is there. */
const waitForAnswer = (chat: Frame) =>
  expect(chat.getByRole("button", { name: /^Source 1: / }).first()).toBeVisible()

const snippetOf = (deployment: Deployment, key: string) =>
  `<script async src="${deployment.widgetUrl}/embed.js" data-key="${key}"></script>`

/** Pretends to be the loader, badly: runs in the page around a frame that the page itself has made. */
const bareFrame = (deployment: Deployment, key: string) =>
  `<iframe id="chat" title="Chat" src="${deployment.widgetUrl}/embed?key=${key}"></iframe>`

test("W11 the frame hears its own page alone, one message of one shape; all else it lets lie", async ({
  page,
  deployment,
  sites,
}) => {
  const shop = await openShop(deployment, { origin: sites.shop.origin })
  const spent: string[] = []
  const errors: string[] = []
  page.on("request", (request) => {
    if (request.url().endsWith("/api/embed/session")) spent.push(request.postData() ?? "")
  })
  page.on("pageerror", (error) => errors.push(error.message))
  const evil = sites.evil.publish(
    "/sibling",
    `<!doctype html><title>Evil</title><script>
      onmessage = () => {
        const fake = { type: "coatcheck:ticket", ticket: "from-evil", status: 201, origin: "${sites.shop.origin}", page: {} }
        parent.frames[0].postMessage(fake, "*", [new MessageChannel().port2])
        parent.postMessage("posted", "*")
      }
    </script>`,
  )
  await page.goto(
    sites.shop.publish(
      "/bare",
      `<!doctype html><title>Shop</title><script>
        window.ready = new Promise((resolve) => addEventListener("message", ({ data }) => data?.type === "coatcheck:ready" && resolve()))
      </script>${bareFrame(deployment, shop.key)}<iframe id="evil" title="Evil" src="${evil}"></iframe>`,
    ),
  )
  await page.evaluate(() => (window as unknown as { ready: Promise<void> }).ready)
  // A window of another origin, next door, with the right words and a claim to be the shop.
  await page.evaluate(async () => {
    const posted = new Promise((resolve) =>
      addEventListener("message", ({ data }) => data === "posted" && resolve(data)),
    )
    const sibling = document.getElementById("evil") as HTMLIFrameElement
    sibling.contentWindow!.postMessage("go", "*")
    await posted
  })
  const frame = await findWidget(page)
  // The right words with the wrong source, or an origin that only begins like the right one.
  await frame.evaluate((origin) => {
    const data = { type: "coatcheck:ticket", ticket: "forged", status: 201, page: {} }
    const wrong: [string, MessageEventSource | null][] = [
      [`${origin}.evil.test`, parent],
      [origin.replace("http:", "https:"), parent],
      [origin.replace(/:\d+$/, ""), parent],
      [origin.replace("shop.", "evilshop."), parent],
      ["null", parent],
      ["", parent],
      [origin, window],
      [origin, null],
    ]
    for (const [from, source] of wrong)
      dispatchEvent(
        new MessageEvent("message", {
          data,
          origin: from,
          source,
          ports: [new MessageChannel().port2],
        }),
      )
  }, sites.shop.origin)
  // The right window with what is no message of ours.
  await page.evaluate(async (target) => {
    const chat = (document.getElementById("chat") as HTMLIFrameElement).contentWindow!
    const cyclic: Record<string, unknown> = { type: "coatcheck:other" }
    cyclic.self = cyclic
    const port = () => new MessageChannel().port2
    const shapes: unknown[] = [
      null,
      undefined,
      7,
      "coatcheck:ticket",
      [],
      ["coatcheck:ticket"],
      {},
      cyclic,
      { type: { toString: "coatcheck:ticket" } },
      { type: "coatcheck:ticket " },
      { type: ["coatcheck:ticket"] },
      "x".repeat(20_000_000),
      Array(100_000).fill({ type: "coatcheck:ticket" }),
    ]
    for (const shape of shapes) chat.postMessage(shape, target, [port()])
    // The right type without a port is none either.
    chat.postMessage({ type: "coatcheck:ticket", ticket: "portless", status: 201 }, target)
  }, deployment.widgetUrl)
  await frame.evaluate(() => new Promise((resolve) => setTimeout(resolve)))
  expect(spent).toEqual([])
  expect(errors).toEqual([])
  // And still it waits for the one message that counts.
  await page.evaluate(
    async ({ target, key }) => {
      const answer = await fetch(`${target}/api/embed/ticket`, {
        method: "POST",
        body: JSON.stringify({ key }),
      })
      const chat = (document.getElementById("chat") as HTMLIFrameElement).contentWindow!
      const message = { ...(await answer.json()), status: 201, type: "coatcheck:ticket", page: {} }
      chat.postMessage({ ...message, isOpen: true }, target, [new MessageChannel().port2])
    },
    { target: deployment.widgetUrl, key: shop.key },
  )
  await expect.poll(() => spent.length).toBe(1)
  await expect(frame.getByRole("textbox")).toBeVisible()
  expect(errors).toEqual([])
})

/** Runs before the host page's own scripts: everything it could lay hands on is written down. */
function recordEverything() {
  const seen: string[] = []
  const { stringify } = JSON
  let isWriting = false
  const write = (...values: unknown[]) => {
    // Writing down uses what is patched itself.
    if (isWriting) return
    isWriting = true
    for (const value of values)
      try {
        seen[seen.length] = typeof value === "string" ? value : (stringify(value) ?? "")
      } catch {
        seen[seen.length] = "no JSON"
      }
    isWriting = false
  }
  const wrap = (owner: object, name: string) => {
    const target = owner as Record<string, (...values: unknown[]) => unknown>
    const original = target[name]!
    target[name] = function (this: unknown, ...values: unknown[]) {
      const outcome = original.apply(this, values)
      write(...values, outcome)
      if (outcome instanceof Promise) outcome.then(write, () => {})
      return outcome
    }
  }
  wrap(window, "fetch")
  wrap(window, "postMessage")
  wrap(JSON, "stringify")
  wrap(JSON, "parse")
  wrap(Object, "assign")
  for (const name of ["map", "push", "join"]) wrap(Array.prototype, name)
  for (const name of ["replace", "split"]) wrap(String.prototype, name)
  wrap(Response.prototype, "json")
  wrap(Response.prototype, "text")
  wrap(MessagePort.prototype, "postMessage")
  wrap(EventTarget.prototype, "addEventListener")
  wrap(Storage.prototype, "setItem")
  const attach = Element.prototype.attachShadow
  const roots: ShadowRoot[] = []
  Element.prototype.attachShadow = function (init) {
    const root = attach.call(this, init)
    roots.push(root)
    return root
  }
  const channel = window.MessageChannel
  window.MessageChannel = new Proxy(channel, {
    construct(target) {
      const made = new target()
      made.port1.addEventListener("message", ({ data }) => write("port", data))
      return made
    },
  })
  addEventListener("message", ({ data, origin }) => write("message", data, origin))
  Object.assign(window, { recorded: seen, recordedRoots: roots })
}

type Recorded = { recorded: string[]; recordedRoots: ShadowRoot[] }

test("W12, W13, W14 a page that patches everything learns the ticket at most, and can read nothing of the frame", async ({
  page,
  deployment,
  sites,
}) => {
  const shop = await openShop(deployment, { origin: sites.shop.origin })
  const secrets: Record<string, string> = {}
  const addresses: string[] = []
  const referrers = new Set<string>()
  page.on("request", (request) => {
    addresses.push(request.url())
    if (request.url().startsWith(deployment.widgetUrl))
      void request.allHeaders().then(
        ({ referer }) => referer && referrers.add(referer),
        () => {},
      )
  })
  page.on("response", async (answer) => {
    if (!answer.url().endsWith("/api/embed/session")) return
    const { token, visitorSecret } = await answer.json()
    Object.assign(secrets, { token, visitorSecret })
  })
  await page.addInitScript(`if (window === top) (${recordEverything.toString()})()`)
  const url = sites.shop.publish("/patched", shopPage(snippetOf(deployment, shop.key)))
  await page.goto(`${url}?reset_token=host-secret#host-fragment`)
  await expect.poll(() => hasLauncher(page)).toBe(true)
  const historyBefore = await page.evaluate(() => history.length)
  const chat = await openWidget(page)
  const question = "Can I return any item within 30 days of delivery, unused and in its box?"
  await askWidget(chat, question)
  await waitForAnswer(chat)
  expect(secrets.token).toMatch(/^eyJ/)
  expect(secrets.visitorSecret!.length).toBeGreaterThan(20)

  const seen = await page.evaluate(() => {
    const { recorded, recordedRoots } = window as unknown as Recorded
    const frame = recordedRoots[0]!.querySelector("iframe")!
    const chat = frame.contentWindow as unknown as Window & Record<string, unknown>
    const attempts: Record<string, () => unknown> = {
      document: () => chat.document.body.textContent,
      contentDocument: () => String(frame.contentDocument),
      localStorage: () => chat.localStorage.length,
      sessionStorage: () => chat.sessionStorage.length,
      indexedDB: () => chat.indexedDB,
      name: () => chat.name,
      address: () => chat.location.href,
      fragment: () => chat.location.hash,
      history: () => chat.history.length,
      referrer: () => chat.document.referrer,
      variable: () => chat.token,
      script: () => (chat as unknown as { eval: (code: string) => unknown }).eval("1"),
    }
    const read = Object.entries(attempts).map(([what, attempt]) => {
      try {
        return [what, String(attempt())]
      } catch (error) {
        return [what, (error as Error).name]
      }
    })
    const entries = performance.getEntries().map(({ name }) => name)
    return {
      // A copy: handing it over is recorded as well.
      recorded: recorded.slice(),
      read: Object.fromEntries(read),
      reachable: [frame.src, frame.name, document.cookie, document.referrer, ...entries],
      stored: JSON.stringify({ ...localStorage, ...sessionStorage }),
      history: history.length,
      frames: frames.length,
    }
  })
  const { contentDocument, ...others } = seen.read
  expect(contentDocument).toBe("null")
  expect(new Set(Object.values(others))).toEqual(new Set(["SecurityError"]))
  expect(seen.history).toBe(historyBefore)
  expect(seen.frames).toBe(0)
  expect(seen.stored).toBe("{}")
  const all = seen.recorded.join("\n")
  // The recorder works: what the design exposes, the ticket, is there.
  expect(all).toContain('"ticket":"ey')
  const lists = { all, reachable: seen.reachable.join("\n"), addresses: addresses.join("\n") }
  for (const [where, text] of Object.entries(lists)) {
    expect(text, where).not.toContain(secrets.token)
    expect(text, where).not.toContain(secrets.visitorSecret)
    expect(text, where).not.toContain(question)
  }
  expect(lists.addresses + lists.reachable).not.toMatch(/eyJ|ticket=|token=ey/)
  // From the page: its origin, never its address. From the frame: nothing.
  expect([...referrers].filter((one) => one !== `${sites.shop.origin}/`)).toEqual([])

  // What the frame says to the page: one word by postMessage, and three over the port.
  const messages = seen.recorded.filter((text) => text.includes('"type":"coatcheck:ready"'))
  expect(new Set(messages)).toEqual(new Set(['{"type":"coatcheck:ready"}']))
  const built = readdirSync(join(root, "public/widget")).filter((name) => name.endsWith(".js"))
  for (const name of [...built.map((one) => `widget/${one}`), "embed.js"]) {
    const code = readFileSync(join(root, "public", name), "utf8")
    for (const [sent] of code.matchAll(/postMessage\([^;]{0,120}/g))
      expect(sent, name).not.toMatch(/["'`]\*["'`]/)
  }
})

test("W12 where the page is not who it says, the frame's word goes to the real one or to nobody", async ({
  page,
  deployment,
  sites,
}) => {
  const shop = await openShop(deployment, { origin: sites.shop.origin })
  const listening = `<script>window.heard = []; addEventListener("message", ({ data }) => heard.push(JSON.stringify(data)))</script>`
  const inner = bareFrame(deployment, shop.key).replace(
    `key=${shop.key}`,
    `key=${shop.key}#${encodeURIComponent(sites.evil.origin)}`,
  )
  await page.goto(
    sites.shop.publish("/claims", `<!doctype html><title>S</title>${listening}${inner}`),
  )
  const heard = () => page.evaluate(() => (window as unknown as { heard: string[] }).heard)
  await expect.poll(heard).toEqual(['{"type":"coatcheck:ready"}'])
  // Framed by the allowed shop, which an evil page frames: the browser shows it nowhere.
  const refused: string[] = []
  page.on("console", (message) => refused.push(message.text()))
  await page.goto(
    sites.evil.publish(
      "/outer",
      `<!doctype html><title>E</title>${listening}<iframe title="Shop" src="${sites.shop.origin}/claims"></iframe>`,
    ),
  )
  await expect.poll(() => refused.join("\n")).toMatch(/frame-ancestors/)
  expect(await heard()).toEqual([])
})

test("W14 on a page with a policy, Trusted Types and its own ids the chat works or stays away quietly", async ({
  page,
  deployment,
  sites,
}) => {
  const shop = await openShop(deployment, { origin: sites.shop.origin })
  const errors: string[] = []
  page.on("pageerror", (error) => errors.push(error.message))
  const line = snippetOf(deployment, shop.key)
  const { widgetUrl } = deployment
  const policies: [string, boolean][] = [
    [
      `default-src 'none'; script-src ${widgetUrl}; connect-src ${widgetUrl}; frame-src ${widgetUrl}; require-trusted-types-for 'script'; trusted-types 'none'`,
      true,
    ],
    // Left out of connect-src: no ticket, so no launcher either.
    [`default-src 'none'; script-src ${widgetUrl}`, false],
    ["default-src 'none'", false],
  ]
  const pages: [string, boolean][] = policies.map(([policy, isShown]) => {
    const meta = `<meta http-equiv="content-security-policy" content="${policy}">`
    return [shopPage(line).replace('<meta charset="utf-8">', `$&${meta}`), isShown]
  })
  // Names that shadow the document's own: then there is nothing left to trust.
  const ids = ["fetch", "Coatcheck", "currentScript", "documentElement", "location", "chat"]
    .map((id) => `<a id="${id}" name="${id}"></a><form id="${id}2" name="${id}"></form>`)
    .join("")
  pages.push([shopPage(ids + line), false])
  for (const [i, [html, isShown]] of pages.entries()) {
    await page.goto(sites.shop.publish(`/policy-${i}`, html), { waitUntil: "networkidle" })
    await expect(page.getByRole("heading", { name: "Corner Shop" })).toBeVisible()
    if (isShown) await openWidget(page)
    else expect(await hasLauncher(page), html).toBe(false)
  }
  expect(errors).toEqual([])
})

test("W15 one line twice is one chat, two keys stay apart, and leaving and coming back keeps one frame each", async ({
  playwright,
  deployment,
  sites,
}) => {
  const [one, two] = [
    await openShop(deployment, { origin: sites.shop.origin }),
    await openShop(deployment, { origin: sites.shop.origin }),
  ]
  // With the back-forward cache, which Playwright switches off.
  const { chromiumLaunchOptions } = await import("../chromium.ts")
  const browser = await playwright.chromium.launch({
    ...chromiumLaunchOptions(),
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  })
  const page = await browser.newPage()
  const sessions: { key: string; secret: unknown }[] = []
  page.on("request", (request) => {
    if (request.url().endsWith("/api/embed/ticket"))
      sessions.push({ key: JSON.parse(request.postData() ?? "{}").key, secret: null })
  })
  const lines = [one.key, one.key, two.key].map((key) => snippetOf(deployment, key)).join("")
  await page.goto(sites.shop.publish("/two", shopPage(lines)))
  const launchers = page.locator("coatcheck-widget")
  await expect(launchers).toHaveCount(2)
  const open = (key: string) =>
    page.evaluate(
      (named) =>
        (window as unknown as { Coatcheck: { open: (key: string) => void } }).Coatcheck.open(named),
      key,
    )
  const frameOf = (key: string) => page.frames().filter((frame) => frame.url().includes(key))
  for (const { key } of [one, two]) {
    await open(key)
    await expect.poll(() => frameOf(key).length).toBe(1)
    await expect(frameOf(key)[0]!.getByRole("textbox")).toBeVisible()
  }
  // By keyboard: two chats in one corner lie on each other.
  const askOne = async (question: string) => {
    const field = frameOf(one.key)[0]!.getByRole("textbox", { name: "Ask a question…" })
    await field.fill(question)
    await field.press("Enter")
  }
  await askOne("Can I return any item within 30 days of delivery?")
  await waitForAnswer(frameOf(one.key)[0]!)
  await expect(frameOf(two.key)[0]!.getByRole("log")).not.toContainText("30 days")
  // A router of the page's own changes the address and the body.
  await page.evaluate(() => {
    history.pushState({}, "", "/elsewhere")
    document.body.replaceWith(document.createElement("body"))
  })
  await expect(launchers).toHaveCount(2)
  await page.goBack()
  await expect(launchers).toHaveCount(2)

  await page.evaluate(() => Object.assign(window, { isSameLife: true }))
  await page.goto(sites.shop.publish("/other", "<!doctype html><title>Other</title>"))
  await page.goBack()
  await expect(launchers).toHaveCount(2)
  const isRestored = await page.evaluate(() => "isSameLife" in window)
  if (!isRestored) await open(one.key)
  await expect.poll(() => frameOf(one.key).length).toBe(1)
  await expect(frameOf(one.key)[0]!.getByRole("log")).toContainText("30 days")
  await askOne("And unused, in its box?")
  await expect(frameOf(one.key)[0]!.getByRole("log")).toContainText("And unused, in its box?")
  expect(new Set(sessions.map(({ key }) => key))).toEqual(new Set([one.key, two.key]))
  const conversations = async (shop: Shop) =>
    (await shop.api<{ data: unknown[] }>("/v1/conversations")).body.data.length
  expect([await conversations(one), await conversations(two)]).toEqual([1, 0])
  await browser.close()
})

test("W16 from inside the frame no page above can be sent away, and no device is asked for", async ({
  page,
  deployment,
  sites,
}) => {
  const shop = await openShop(deployment, { origin: sites.shop.origin })
  await page.addInitScript(`if (window === top) (${recordEverything.toString()})()`)
  await page.goto(sites.shop.publish("/sealed", shopPage(snippetOf(deployment, shop.key))))
  const chat = await openWidget(page)
  const { sandbox, allow } = await page.evaluate(() => {
    const frame = (window as unknown as Recorded).recordedRoots[0]!.querySelector("iframe")!
    return { sandbox: frame.getAttribute("sandbox"), allow: frame.getAttribute("allow") }
  })
  expect(sandbox!.split(" ").sort()).toEqual([
    "allow-forms",
    "allow-popups",
    "allow-popups-to-escape-sandbox",
    "allow-same-origin",
    "allow-scripts",
  ])
  expect(allow ?? "").toBe("")
  const address = page.url()
  const outcomes = await chat.evaluate(async (evil) => {
    const attempt = async (act: () => unknown) => {
      try {
        return String(await act())
      } catch (error) {
        return (error as Error).name
      }
    }
    const { permissionsPolicy, featurePolicy } = document as unknown as Record<
      string,
      { allowsFeature: (name: string) => boolean } | undefined
    >
    const policy = permissionsPolicy ?? featurePolicy
    return {
      top: await attempt(() => {
        top!.location.href = evil
      }),
      dialog: String(confirm("?")),
      camera: policy?.allowsFeature("camera"),
      microphone: policy?.allowsFeature("microphone"),
      geolocation: policy?.allowsFeature("geolocation"),
    }
  }, sites.evil.origin)
  expect(outcomes).toEqual({
    top: "SecurityError",
    dialog: "false",
    camera: false,
    microphone: false,
    geolocation: false,
  })
  expect(page.url()).toBe(address)
})

test("W17 of the page's address only origin and path are sent, and only they are stored", async ({
  page,
  deployment,
  sites,
}) => {
  const shop = await openShop(deployment, { origin: sites.shop.origin })
  const url = sites.shop.publish("/account", shopPage(snippetOf(deployment, shop.key)))
  await page.goto(`${url}?reset_token=host-secret#host-fragment`)
  const chat = await openWidget(page)
  await askWidget(chat, "Can I return any item within 30 days of delivery?")
  await waitForAnswer(chat)
  // A loader that is not ours sends all of it.
  const { ticket } = await expectCall<{ ticket: string }>(deployment, 201, "/api/embed/ticket", {
    headers: { origin: shop.origin },
    body: { key: shop.key },
    ip: newAddress(),
  })
  const { token } = await expectCall<{ token: string }>(deployment, 201, "/api/embed/session", {
    body: {
      ticket,
      page: { url: `${url}?reset_token=host-secret#host-fragment`, title: "Account" },
    },
    ip: newAddress(),
  })
  await ask(deployment, token, "Can I return any item within 30 days of delivery?")
  const rows = await readRows(deployment, shop.tenantId)
  const stored = JSON.stringify(rows)
  expect(stored).not.toMatch(/host-secret|reset_token|host-fragment/)
  expect(rows.sessions!.filter((row) => row.includes(`"page_url": "${url}"`))).toHaveLength(2)
  expect(deployment.logs()).not.toMatch(/host-secret|host-fragment/)
})

test("W18 the next person at the same screen, and the same bot on another site, see nothing of the thread", async ({
  browser,
  deployment,
  sites,
}) => {
  const shop = await openShop(deployment, { origin: sites.shop.origin })
  await shop.api(`/v1/embed-keys/${shop.keyId}`, {
    method: "PATCH",
    body: { allowedOrigins: [sites.shop.origin, sites.evil.origin] },
  })
  const line = snippetOf(deployment, shop.key)
  const pages = [sites.shop, sites.evil].map((site) => site.publish("/shared", shopPage(line)))
  const question = "My private matter: can I return any item within 30 days of delivery?"
  const context = await browser.newContext({ locale: "en-US" })
  const page = await context.newPage()
  const held: { token?: string; visitorSecret?: string } = {}
  page.on("response", async (answer) => {
    if (answer.url().endsWith("/api/embed/session")) Object.assign(held, await answer.json())
  })
  await page.goto(pages[0]!)
  const chat = await openWidget(page)
  await askWidget(chat, question)
  await waitForAnswer(chat)
  const first = { ...held }

  // The same bot on another site, in the same browser and, with the secret stolen, past the browser.
  await page.goto(pages[1]!)
  const elsewhere = await openWidget(page)
  await expect(elsewhere.getByRole("log")).not.toContainText("private matter")
  const carried = await openSession(
    deployment,
    { key: shop.key, origin: sites.evil.origin },
    { visitorSecret: first.visitorSecret! },
  )
  expect(carried.conversation.messages).toEqual([])
  const other = await openShop(deployment, { origin: sites.shop.origin })
  const acrossKeys = await openSession(deployment, other, { visitorSecret: first.visitorSecret! })
  expect(acrossKeys.conversation.messages).toEqual([])

  // Its own visitor is back, ends the chat, and leaves the computer to the next one.
  await page.goto(pages[0]!)
  const back = await openWidget(page)
  await expect(back.getByRole("log")).toContainText("private matter")
  const last = { ...held }
  await back.getByRole("button", { name: "More options" }).click()
  await back.getByRole("button", { name: "Delete this conversation" }).click()
  await back.getByRole("button", { name: "Delete", exact: true }).click()
  await expect(back.getByRole("log")).not.toContainText("private matter")
  await page.reload()
  const next = await openWidget(page)
  await expect(next.getByRole("log")).not.toContainText("private matter")
  expect(await next.evaluate(() => localStorage.length)).toBe(0)
  for (const { token, visitorSecret } of [first, last]) {
    const answer: Answer = await call(deployment, "/api/embed/conversation", {
      headers: { authorization: `Bearer ${token}` },
      ip: newAddress(),
    })
    expect(answer.text).not.toContain("private matter")
    const again = await openSession(deployment, shop, { visitorSecret: visitorSecret! })
    expect(again.conversation.messages).toEqual([])
  }
  await context.close()
})

test("W19 the loader holds no secret, evaluates nothing, is small, and is never stale for long", async ({
  deployment,
}) => {
  const loader = await call(deployment, "/embed.js")
  expect(loader.status).toBe(200)
  expect(loader.headers.get("content-type")).toMatch(/javascript/)
  expect(loader.headers.get("x-content-type-options")).toBe("nosniff")
  expect(loader.headers.get("cross-origin-resource-policy")).toBe("cross-origin")
  expect(loader.headers.get("cache-control")).toMatch(/^public, max-age=300\b/)
  expect(loader.headers.getSetCookie()).toEqual([])
  expect(brotliCompressSync(loader.text).byteLength).toBeLessThan(2_000)
  expect(loader.text).not.toMatch(
    /\beval\b|new Function|innerHTML|document\.write|localStorage|cookie/,
  )
  const manifest = JSON.parse(
    readFileSync(join(root, "public/widget/manifest.json"), "utf8"),
  ) as Record<string, string>
  const secrets = Object.entries(deployment.env).filter(
    ([name, value]) => /KEY|SECRET|DATABASE_URL/.test(name) && value.length > 8,
  )
  for (const path of [...Object.values(manifest), "/embed.js"]) {
    const { headers, text } = await call(deployment, path)
    if (path !== "/embed.js") {
      expect(path).toMatch(/-[0-9a-f]{12}\.(js|css)$/)
      expect(headers.get("cache-control"), path).toBe("public, max-age=31536000, immutable")
      expect(headers.get("cross-origin-resource-policy"), path).toBe("cross-origin")
      expect(headers.get("x-content-type-options"), path).toBe("nosniff")
    }
    expect(text, path).not.toMatch(
      /\b(?:sk|pk)_(?:live|test)_[0-9a-f]{6}|eyJ|\beval\(|new Function/,
    )
    for (const [name, value] of secrets) expect(text.includes(value), `${name} ${path}`).toBe(false)
  }
})
