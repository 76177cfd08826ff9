import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer as createPlainServer, request as forward } from "node:http"
import { createServer as createTlsServer } from "node:https"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Browser, chromium, type Page } from "@playwright/test"
import { chromiumLaunchOptions } from "../chromium.ts"
import { call, newAddress } from "../counter.ts"
import { type Deployment, startDeployment } from "../deployment.ts"
import { listenOnLoopback } from "../fake-model.ts"
import { expect, test } from "../fixtures.ts"
import { shopPage } from "../sites.ts"
import { askWidget, clickLauncher, findWidget, openWidget } from "../widget.ts"
import { runSql } from "./counter-attacks.ts"

// The product as it stands on the internet: behind a proxy that ends TLS, under two names of its own, with a
// live key for a site on https. The names lead to this machine in this browser alone.

test.describe.configure({ mode: "serial" })

const appUrl = "https://app.coatcheck.test"
const widgetUrl = "https://widget.coatcheck.test"
const shopUrl = "https://shop.example.com"
const evilUrl = "https://evil.example.net"
const hosts = [appUrl, widgetUrl, shopUrl, evilUrl].map((url) => new URL(url).host)
const password = "a long enough sentence"
const question = "How many days do I have to return a lamp after delivery?"
const policy = "You may return a lamp within 45 days after delivery, in its box."

const pages = new Map<string, string>()
let folder: string
let deployment: Deployment
let browser: Browser
let owner: Page
let snippet = ""
let stopProxies: () => void

/** A certificate for all the names that nobody but this browser will believe. */
function makeCertificate(): { key: Buffer; cert: Buffer } {
  folder = mkdtempSync(join(tmpdir(), "coatcheck-tls-"))
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")]
  const names = `subjectAltName=${hosts.map((host) => `DNS:${host}`).join(",")}`
  const parameters = ["-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=coatcheck.test"]
  const files = ["-addext", names, "-keyout", key, "-out", cert]
  execFileSync("openssl", ["req", "-x509", ...parameters, ...files], { stdio: "ignore" })
  return { key: readFileSync(key), cert: readFileSync(cert) }
}

test.beforeAll(async () => {
  test.setTimeout(90_000)
  deployment = await startDeployment({
    env: { APP_URL: appUrl, WIDGET_URL: widgetUrl, NEXTAUTH_URL: appUrl },
  })
  const target = new URL(deployment.processUrls[0]!)
  // The other websites' pages come from here; what is ours goes on to the server, its answer as it streams.
  const handle: Parameters<typeof createPlainServer>[1] = (request, response) => {
    const host = String(request.headers.host)
    const html = pages.get(`${host}${request.url}`)
    if (!host.endsWith(".coatcheck.test")) {
      response.writeHead(html ? 200 : 404, { "content-type": "text/html; charset=utf-8" })
      return response.end(html ?? "")
    }
    const address = request.socket.remoteAddress ?? ""
    const onward = forward(
      {
        host: target.hostname,
        port: target.port,
        method: request.method,
        path: request.url,
        headers: { ...request.headers, "x-forwarded-for": address, "x-forwarded-proto": "https" },
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      },
    )
    onward.on("error", () => response.destroy())
    response.on("close", () => onward.destroy())
    request.pipe(onward)
  }
  const [tls, plain] = [createTlsServer(makeCertificate(), handle), createPlainServer(handle)]
  const [tlsPort, plainPort] = [await listenOnLoopback(tls), await listenOnLoopback(plain)]
  stopProxies = () => {
    for (const server of [tls, plain]) {
      server.closeAllConnections()
      server.close()
    }
  }
  const rules = hosts.flatMap((host) => [
    `MAP ${host}:443 127.0.0.1:${tlsPort}`,
    `MAP ${host}:80 127.0.0.1:${plainPort}`,
  ])
  const options = chromiumLaunchOptions()
  browser = await chromium.launch({
    ...options,
    args: [
      ...(options.args ?? []),
      `--host-resolver-rules=${rules.join(",")}`,
      "--ignore-certificate-errors",
    ],
  })
  owner = await (await browser.newContext({ locale: "en-US" })).newPage()
})

test.afterAll(async () => {
  await browser?.close()
  stopProxies?.()
  await deployment?.stop()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

const readKey = () => /data-key="([^"]+)"/.exec(snippet)?.[1] ?? ""

/** Serves `html` under that address from now on, on https and on http alike. */
function publish(address: string, html: string): string {
  const { host, pathname } = new URL(address)
  pages.set(`${host}${pathname}`, html)
  return address
}

test("W06 signing up over TLS sets one cookie: __Host-, Secure, HttpOnly, SameSite, no Domain, small", async () => {
  await owner.goto(`${appUrl}/sign-up`)
  await owner.getByLabel("Business name").fill("Corner Shop")
  await owner.getByLabel("E-mail").fill("owner@corner-shop.example")
  await owner.getByLabel("Password").fill(password)
  await owner.getByRole("button", { name: "Create account" }).click()
  await owner.waitForURL(/\/console\/ten_[^/]+\/bots\/bot_[^/]+$/)
  const cookies = await owner.context().cookies()
  const session = cookies.filter(({ name }) => name === "__Host-coatcheck.session")
  expect(session).toHaveLength(1)
  for (const { name, domain, path, secure, httpOnly, sameSite, value } of cookies) {
    expect(name).toMatch(/^__(Host|Secure)-/)
    // A browser writes a cookie with Domain as ".host": this host alone has it.
    expect({ name, domain, path, secure, httpOnly, sameSite }).toEqual({
      ...{ name, domain: new URL(appUrl).host, path: "/", secure: true },
      ...{ httpOnly: true, sameSite: "Lax" },
    })
    expect(name.length + value.length).toBeLessThan(4_096)
  }
})

test("every answer over TLS tells browsers to stay on TLS", async () => {
  for (const url of [`${appUrl}/sign-in`, `${widgetUrl}/embed.js`, `${widgetUrl}/health`]) {
    const page = await owner.context().newPage()
    const response = await page.goto(url)
    expect(response?.headers()["strict-transport-security"], url).toMatch(/^max-age=\d{8}/)
    await page.close()
  }
})

test("the owner gives the bot a text, allows the https site and gets a live line", async () => {
  await owner.getByRole("textbox", { name: "Name", exact: true }).fill("Corner Shop help")
  await owner.getByRole("button", { name: "Use this name" }).click()
  await owner.getByLabel("Choose files").setInputFiles({
    name: "returns.txt",
    mimeType: "text/plain",
    buffer: Buffer.from(policy),
  })
  await expect(owner.getByText("It knows one source.")).toBeVisible({ timeout: 30_000 })
  await owner.getByRole("button", { name: "Next step" }).click()
  // The preview is a frame of the other name: its ticket and its session cross the two origins.
  const preview = await findWidget(owner)
  await askWidget(preview, question)
  await expect(preview.getByRole("log")).toContainText("within 45 days after delivery")
  await owner.getByRole("button", { name: /^Allow your website/ }).click()
  await owner.getByRole("textbox", { name: "Allow a website" }).fill(shopUrl)
  await owner.getByRole("button", { name: "Allow", exact: true }).click()
  await owner.getByRole("button", { name: "Publish", exact: true }).click()
  await expect(owner.getByText("Waiting for the first visit")).toBeVisible()
  await owner.context().grantPermissions(["clipboard-read", "clipboard-write"])
  await owner.getByRole("button", { name: "Copy the line" }).click()
  snippet = await owner.evaluate(() => navigator.clipboard.readText())
  expect(snippet).toContain(`src="${widgetUrl}/embed.js"`)
  expect(readKey()).toMatch(/^pk_live_/)
})

test("a visitor of the shop gets an answer with its source, and the frame holds no cookie", async () => {
  const context = await browser.newContext({ locale: "en-US" })
  const page = await context.newPage()
  const problems: string[] = []
  page.on("console", (message) => {
    if (/Content Security Policy|Mixed Content|Refused/.test(message.text()))
      problems.push(message.text())
  })
  await page.goto(publish(`${shopUrl}/lamps`, shopPage(snippet)))
  const chat = await openWidget(page)
  expect(new URL(chat.url()).origin).toBe(widgetUrl)
  await askWidget(chat, question)
  await expect(chat.getByRole("log")).toContainText("within 45 days after delivery")
  await expect(chat.getByRole("button", { name: /^Source 1: / }).first()).toBeVisible()
  expect(await context.cookies()).toEqual([])
  expect(problems).toEqual([])
  await context.close()
})

test("an evil site on https gets neither the frame nor a ticket, though it has the line", async () => {
  const page = await (await browser.newContext({ locale: "en-US" })).newPage()
  const refused: string[] = []
  page.on("console", (message) => refused.push(message.text()))
  const framed = `<iframe src="${widgetUrl}/embed?key=${readKey()}"></iframe>`
  const ticket = page.waitForEvent("requestfailed", (sent) => sent.url().endsWith("/embed/ticket"))
  await page.goto(publish(`${evilUrl}/`, shopPage(`${snippet}${framed}`, "Evil")))
  await expect.poll(() => refused.join("\n")).toMatch(/frame-ancestors/)
  await clickLauncher(page)
  await ticket
  await page.context().close()
})

test("K12 the shop's own address on plain http is another website, for the browser and for the counter", async () => {
  const page = await (await browser.newContext({ locale: "en-US" })).newPage()
  const ticket = page.waitForEvent("requestfailed", (sent) => sent.url().endsWith("/embed/ticket"))
  const plain = shopUrl.replace("https:", "http:")
  await page.goto(publish(`${plain}/lamps`, shopPage(snippet)))
  expect(await page.evaluate(() => location.origin)).toBe(plain)
  await clickLauncher(page)
  await ticket
  const seen = "select reason, count from refusals where origin = $1"
  expect(await runSql(deployment, seen, [plain])).toEqual([{ reason: "origin_refused", count: 1 }])
  const forged = await call(deployment, "/api/embed/ticket", {
    ip: newAddress(),
    headers: { origin: plain },
    body: { key: readKey() },
  })
  expect([forged.status, forged.body.code]).toEqual([403, "origin_refused"])
  await page.context().close()
})
