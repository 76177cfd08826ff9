import { clickLauncher, findWidget, hasLauncher } from "../widget.ts"
import { expect, openChat, readDrawn, tapShadowRoots, test } from "./fixtures.ts"

const paths = (calls: { path: string }[]) => calls.map(({ path }) => path)

test("before any intent: one look, no ticket, nothing stored, a root that stays closed", async ({
  page,
  stub,
  accidents,
}) => {
  await page.goto(stub.shop)
  await expect.poll(() => hasLauncher(page)).toBe(true)
  expect(paths(stub.calls)).toEqual(["config"])
  const seen = await page.evaluate(() => ({
    root: document.querySelector("coatcheck-widget")!.shadowRoot,
    stored: localStorage.length + sessionStorage.length + document.cookie.length,
    frames: frames.length,
  }))
  expect(seen).toEqual({ root: null, stored: 0, frames: 0 })
  expect(accidents).toEqual([])
})

test("a dead key draws nothing and says nothing", async ({ page, stub, accidents }) => {
  stub.script.isKeyLive = false
  await page.goto(stub.shop, { waitUntil: "networkidle" })
  expect(await page.locator("coatcheck-widget").count()).toBe(0)
  expect(accidents).toEqual([])
})

test("hovering prepares, a click opens: ticket as plain text, then the chat has the focus", async ({
  page,
  stub,
}) => {
  const ticket = page.waitForRequest((request) => request.url().endsWith("/api/embed/ticket"))
  await page.goto(`${stub.shop}/?reset_token=secret#fragment`)
  await expect.poll(() => hasLauncher(page)).toBe(true)
  await page.mouse.move(page.viewportSize()!.width - 40, page.viewportSize()!.height - 40)
  const headers = await (await ticket).allHeaders()
  expect(headers["content-type"]).toMatch(/^text\/plain/)
  expect(headers.origin).toBe(stub.shop)
  await clickLauncher(page)
  const frame = await findWidget(page)
  await expect(frame.locator(".field textarea")).toBeFocused()
  const session = stub.calls.find(({ path }) => path === "session")!
  expect(session.body.page).toMatchObject({
    url: `${stub.shop}/`,
    title: "Corner Shop",
    language: "en",
  })
  expect(paths(stub.calls).filter((path) => path === "ticket")).toHaveLength(1)
  expect(JSON.stringify(stub.calls)).not.toMatch(/reset_token|fragment/)
})

test("the frame may run scripts, keep its origin, use forms and open pages; nothing more", async ({
  page,
  stub,
}) => {
  await tapShadowRoots(page)
  await page.goto(stub.shop)
  await openChat(page)
  const { attributes } = (await readDrawn(page, "p"))!
  expect(attributes.sandbox).toBe(
    "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox",
  )
  expect(attributes.allow ?? "").toBe("")
  expect(attributes.title).toBe("Corner Shop")
})

test("Escape in the chat closes it, the launcher has the focus, and Enter opens it again", async ({
  page,
  stub,
}) => {
  await tapShadowRoots(page)
  await page.goto(stub.shop)
  const frame = await openChat(page)
  await expect(frame.locator(".field textarea")).toBeFocused()
  await page.keyboard.press("Escape")
  await expect
    .poll(() => readDrawn(page, "l"))
    .toMatchObject({
      isVisible: true,
      isFocused: true,
      attributes: { "aria-expanded": "false", "aria-label": "Corner Shop" },
    })
  await page.keyboard.press("Enter")
  await expect(frame.locator(".field textarea")).toBeFocused()
  expect(await readDrawn(page, "l")).toMatchObject({ attributes: { "aria-expanded": "true" } })
  await frame.getByRole("button", { name: "Close chat" }).click()
  await expect.poll(() => readDrawn(page, "p")).toMatchObject({ isVisible: false })
})

test("the same line twice is one launcher; two keys are two, each with its own frame", async ({
  page,
  stub,
}) => {
  await page.goto(`${stub.shop}/?keys=pk_one,pk_one,pk_two`)
  await expect(page.locator("coatcheck-widget")).toHaveCount(2)
  await openChat(page, "pk_two")
  await openChat(page, "pk_one")
  const frames = () =>
    page.frames().flatMap((frame) => /\/embed\?key=(\w+)/.exec(frame.url())?.[1] ?? [])
  await expect.poll(() => frames().sort()).toEqual(["pk_one", "pk_two"])
  const keys = stub.calls.filter(({ path }) => path === "ticket").map(({ body }) => body.key)
  expect(keys).toEqual(["pk_two", "pk_one"])
})

test("destroy leaves nothing behind, and what is called afterwards does nothing", async ({
  page,
  stub,
  accidents,
}) => {
  await page.goto(stub.shop)
  await openChat(page)
  await page.evaluate(() => {
    const { Coatcheck } = window as unknown as { Coatcheck: Record<string, (key?: string) => void> }
    Coatcheck.destroy!()
    for (const verb of ["open", "close", "destroy"]) Coatcheck[verb]!()
    for (const verb of ["open", "close", "destroy"]) Coatcheck[verb]!("pk_other")
  })
  expect(await page.locator("coatcheck-widget").count()).toBe(0)
  expect(page.frames()).toHaveLength(1)
  expect(accidents).toEqual([])
})

test("a router that swaps the body keeps the chat; one that drops the element gets it back", async ({
  page,
  stub,
}) => {
  await page.goto(stub.shop)
  const frame = await openChat(page)
  await page.evaluate(() => {
    document.body.replaceWith(document.createElement("body"))
    history.pushState({}, "", "/elsewhere")
  })
  await expect(frame.locator(".field textarea")).toBeVisible()
  await page.evaluate(() => document.querySelector("coatcheck-widget")!.remove())
  await openChat(page)
})

test("a strict policy and Trusted Types on the host page leave it working", async ({
  page,
  stub,
  accidents,
}) => {
  const { origin } = stub
  stub.script.pagePolicy = `default-src 'none'; script-src ${origin}; connect-src ${origin}; frame-src ${origin}; require-trusted-types-for 'script'; trusted-types 'none'`
  await page.goto(stub.shop)
  await openChat(page)
  await expect.poll(() => page.evaluate(() => innerWidth > 0)).toBe(true)
  expect(accidents).toEqual([])
})

test("a frame that stays silent becomes a short message, and trying again works", async ({
  page,
  stub,
}) => {
  stub.script.frameAncestors = "'none'"
  await tapShadowRoots(page)
  await page.clock.install()
  await page.goto(stub.shop)
  await clickLauncher(page)
  expect(await readDrawn(page, "m")).toMatchObject({ isVisible: false })
  await page.clock.fastForward(8_100)
  await expect.poll(() => readDrawn(page, "m")).toMatchObject({ isVisible: true })
  stub.script.frameAncestors = null
  await openChat(page)
  await expect.poll(() => readDrawn(page, "m")).toMatchObject({ isVisible: false })
})

test.describe("a hostile page is left as it was", () => {
  const heads = {
    "patched fetch": "window.fetch = () => { throw Error('fetch') }",
    "patched JSON": "JSON.stringify = JSON.parse = () => { throw Error('json') }",
    "patched arrays": "Array.prototype.map = Array.prototype.push = () => { throw Error('array') }",
    "patched shadow roots": "Element.prototype.attachShadow = () => { throw Error('shadow') }",
    "patched elements": "document.createElement = () => { throw Error('element') }",
    "patched assignments": "Object.assign = () => { throw Error('assign') }",
    "dirty prototypes": "Object.prototype.evil = 1; Array.prototype.evil = 2",
  }
  for (const [name, source] of Object.entries(heads)) {
    test(name, async ({ page, stub, accidents }) => {
      stub.script.pageHead = `<script>${source}</script>`
      await page.goto(stub.shop, { waitUntil: "networkidle" })
      await page.locator("#own").click()
      expect(accidents).toEqual([])
    })
  }

  test("elements named after what the loader reads", async ({ page, stub, accidents }) => {
    stub.script.pageBody = `<img name="currentScript" src="data:,"><a id="Coatcheck"></a><a id="Coatcheck"></a>`
    await page.goto(stub.shop, { waitUntil: "networkidle" })
    expect(accidents).toEqual([])
  })

  test("its style sheet can't hide or move the chat", async ({ page, stub }) => {
    stub.script.pageHead =
      "<style>body *, coatcheck-widget, iframe, button { display: none !important; opacity: 0 !important; transform: scale(0) !important }</style>"
    await page.goto(stub.shop)
    await expect.poll(() => hasLauncher(page)).toBe(true)
    const frame = await openChat(page)
    await expect(frame.locator(".field textarea")).toBeFocused()
  })

  test("messages from other windows are not answered", async ({ page, stub }) => {
    await tapShadowRoots(page)
    await page.goto(stub.shop)
    await openChat(page)
    const bought = stub.calls.length
    await page.evaluate(async (origin) => {
      const ready = { type: "coatcheck:ready", origin }
      const [root] = (window as unknown as { tappedRoots: ShadowRoot[] }).tappedRoots
      const source = root!.querySelector("iframe")!.contentWindow
      window.postMessage(ready, "*")
      dispatchEvent(new MessageEvent("message", { data: ready, origin, source: window }))
      dispatchEvent(
        new MessageEvent("message", {
          data: ready,
          origin: `${origin}.evil.test`,
          source,
        }),
      )
      const blank = document.createElement("iframe")
      blank.srcdoc = `<script>parent.postMessage({type:"coatcheck:ready"},"*")</script>`
      await new Promise((resolve) => {
        addEventListener("message", ({ origin: from }) => from === "null" || resolve(from))
        document.body.append(blank)
      })
    }, stub.origin)
    expect(stub.calls).toHaveLength(bought)
  })
})
