import { readdirSync } from "node:fs"
import { request as sendRaw } from "node:http"
import { join } from "node:path"
import type { Browser, BrowserContext, Page } from "@playwright/test"
import { newAddress } from "../counter.ts"
import { type Deployment, findFreePorts, startWeb, waitUntilHealthy } from "../deployment.ts"
import { expect, test } from "../fixtures.ts"
import { actionRows, routeRows, type World } from "../walls/matrix.ts"
import { readActions } from "../walls/server-actions.ts"
import {
  canary,
  makeTenants,
  readRows,
  signIn,
  type Tenant,
  withDatabase,
} from "../walls/two-tenants.ts"
import { addressOf, readInventory } from "./inventory.ts"

// What other websites can do to the console through a browser in which its owner is signed in, and what the
// web process tells strangers. Chromium alone: it is the browser that every machine of ours has.

let tenants: { a: Tenant; b: Tenant } | null = null

async function enterWorld(deployment: Deployment): Promise<World> {
  tenants ??= await makeTenants(deployment)
  return { ...tenants, ticket: "" }
}

/** A browser in which somebody is signed in to the console. */
async function openConsole(
  browser: Browser,
  deployment: Deployment,
  cookie: string,
): Promise<BrowserContext> {
  const context = await browser.newContext({ locale: "en-US" })
  const [name, value] = cookie.split(/=(.*)/s) as [string, string]
  await context.addCookies([
    { name, value, url: deployment.appUrl, httpOnly: true, sameSite: "Lax" },
  ])
  return context
}

const root = join(import.meta.dirname, "..", "..")

test("W01 no action and no console route runs for a request that another page caused", async ({
  deployment,
}) => {
  test.setTimeout(120_000)
  const world = await enterWorld(deployment)
  const { a } = world
  const before = await readRows(deployment, a.tenantId)
  const { hostname, port } = new URL(deployment.appUrl)
  const origins = [
    "http://evil.localhost:4000",
    "null",
    undefined,
    `http://app.${hostname}:${port}`,
    `http://${hostname}:${Number(port) + 1}`,
    `https://${hostname}:${port}`,
    deployment.widgetUrl,
    `${deployment.appUrl}.evil.test`,
    `${deployment.appUrl}/`,
    "http://[",
  ]
  const actions = readActions(world)
  const own = { ...world, b: a }
  for (const origin of origins) {
    const headers = {
      cookie: a.ownerCookie,
      "x-forwarded-for": newAddress(),
      ...(origin === undefined ? {} : { origin }),
    }
    for (const { file, name, input } of actionRows) {
      const { id, page } = actions.get(`${file} ${name}`)!
      const answer = await fetch(deployment.appUrl + page, {
        method: "POST",
        redirect: "manual",
        headers: { ...headers, "next-action": id, "content-type": "text/plain;charset=UTF-8" },
        body: JSON.stringify(input ? [a.tenantId, input(own)] : [{}]),
      })
      expect(answer.status, `${name} from ${origin}: ${await answer.text()}`).toBe(403)
    }
    for (const row of routeRows) {
      if (row.door !== "member" || row.method === "GET") continue
      const body = row.body?.(own)
      const answer = await fetch(deployment.appUrl + row.path(own), {
        method: row.method,
        redirect: "manual",
        headers: {
          ...headers,
          ...(body instanceof FormData ? {} : { "content-type": "text/plain" }),
        },
        body: body instanceof FormData ? body : JSON.stringify(body ?? {}),
      })
      expect(answer.status, `${row.file} from ${origin}: ${await answer.text()}`).toBe(403)
    }
  }
  expect(await readRows(deployment, a.tenantId)).toEqual(before)
})

test("W01 an evil page changes nothing with forms, fetches or a sandboxed frame while the owner is signed in", async ({
  browser,
  deployment,
  sites,
}) => {
  const world = await enterWorld(deployment)
  const { a } = world
  const before = await readRows(deployment, a.tenantId)
  const context = await openConsole(browser, deployment, a.ownerCookie)
  const page = await context.newPage()
  const { id, page: path } = readActions(world).get("console/[tenant]/bots/[bot] updateBot")!
  const target = deployment.appUrl + path
  const body = JSON.stringify([a.tenantId, { botId: a.botId, name: "Stolen" }])
  const form = `<form id="f" method="post" enctype="text/plain" action="${target}"><input name='${body.replaceAll("'", "&#39;")}' value=""></form>`
  const framed = `${form}<script>f.submit()</script>`
    .replaceAll("&", "&amp;")
    .replaceAll('"', "&quot;")
  const evil = sites.evil.publish(
    "/forge",
    `<!doctype html><title>Evil</title>${form}<iframe sandbox="allow-scripts allow-forms" srcdoc="${framed}"></iframe>`,
  )
  const refusals = () => deployment.logs().split(`"path":"${path}","status":405`).length - 1
  const refusedBefore = refusals()
  await page.goto(evil)
  await expect.poll(refusals).toBe(refusedBefore + 1)
  await page.evaluate(
    async ({ url, action, text }) => {
      const headers = [{}, { "next-action": action }] as Record<string, string>[]
      for (const mode of ["no-cors", "cors"] as const)
        for (const credentials of ["include", "omit"] as const)
          for (const more of headers)
            await fetch(url, {
              method: "POST",
              mode,
              credentials,
              headers: more,
              body: text,
            }).catch(() => {})
    },
    { url: target, action: id, text: body },
  )
  const refusedSince = refusals()
  await submitForm(page)
  await expect.poll(refusals).toBeGreaterThan(refusedSince)
  expect(await readRows(deployment, a.tenantId)).toEqual(before)
  await context.close()
})

/** Sends the page's one form and waits until the browser has gone where that leads. */
async function submitForm(page: Page): Promise<void> {
  const { origin } = new URL(page.url())
  await page.evaluate(() => (document.forms[0] as HTMLFormElement).submit())
  // Also when that is the browser's own page for a refusal, which counts as no navigation.
  await expect.poll(() => page.url().startsWith(origin)).toBe(false)
  await page.waitForLoadState()
}

/** A checksum over every row of every table, by the version of each row; what only counts or queues is left out. */
async function readDatabase(deployment: Deployment): Promise<Record<string, string>> {
  return withDatabase(deployment, async (client) => {
    const { rows: tables } = await client.query<{ name: string }>(`
      select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname !~ '^(pg_|information_schema$|pgboss$)' order by 1`)
    const found: Record<string, string> = {}
    for (const { name } of tables) {
      const { rows } = await client.query<{ sum: string }>(
        `select count(*) || ' ' || coalesce(md5(string_agg(t.xmin::text || t::text, ',' order by t::text)), '') as sum from ${name} t`,
      )
      found[name] = rows[0]!.sum
    }
    return found
  })
}

test("W02 reading the whole console, every page and every route, writes nothing", async ({
  deployment,
}) => {
  test.setTimeout(120_000)
  const world = await enterWorld(deployment)
  const { a } = world
  const own = { ...world, b: a }
  const start = readInventory().pages.map((page) => addressOf(page, a))
  const routes = routeRows
    .filter(({ door, method }) => method === "GET" && (door === "member" || door === "public"))
    .map((row) => row.path(own))
  const headers = { cookie: a.ownerCookie }
  // The worker goes on trying to read these two by itself.
  for (const { api, crawlId } of [a, world.b])
    expect((await api(`/v1/crawls/${crawlId}`, { method: "DELETE" })).status).toBe(204)
  const before = await readDatabase(deployment)
  const seen = new Set<string>()
  const waiting = [...start, ...routes]
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    if (seen.has(path)) continue
    seen.add(path)
    for (const more of [{}, { rsc: "1" }, { purpose: "prefetch" }] as Record<string, string>[]) {
      const answer = await fetch(deployment.appUrl + path, {
        redirect: "manual",
        headers: { ...headers, ...more, "x-forwarded-for": newAddress() },
      })
      const text = await answer.text()
      expect(answer.status, path).toBeLessThan(500)
      for (const [, link] of text.matchAll(/ href="(\/(?!_next)[^"#]*)"/g)) {
        const found = link!.replaceAll("&amp;", "&")
        if (found.startsWith("/") && !found.startsWith("//")) waiting.push(found)
      }
    }
  }
  expect(seen.size).toBeGreaterThan(30)
  const after = await readDatabase(deployment)
  // What is counted for a rate is not the console's.
  const moved = Object.keys(after).filter((name) => after[name] !== before[name])
  expect(moved.filter((name) => !name.startsWith("limits."))).toEqual([])
})

test("W03 no other page can sign anybody in or out", async ({ browser, deployment, sites }) => {
  const { a, b } = await enterWorld(deployment)
  const form = { "content-type": "application/x-www-form-urlencoded" }
  const post = (path: string, fields: Record<string, string>, headers: Record<string, string>) =>
    fetch(deployment.appUrl + path, {
      method: "POST",
      redirect: "manual",
      headers: { ...form, "x-forwarded-for": newAddress(), ...headers },
      body: new URLSearchParams(fields),
    })
  const isIn = async (cookie: string, tenant: Tenant) => {
    const answer = await fetch(`${deployment.appUrl}/console/${tenant.tenantId}`, {
      headers: { cookie },
      redirect: "manual",
    })
    await answer.text()
    return answer.status === 200
  }
  // A token of the attacker's own, without the cookie it belongs to: what a form on another page can send.
  const csrf = await fetch(`${deployment.appUrl}/api/auth/csrf`)
  const { csrfToken } = (await csrf.json()) as { csrfToken: string }
  const account = await signUpSomebody(deployment)
  for (const token of ["", "wrong", csrfToken])
    for (const origin of [sites.evil.origin, "null"]) {
      const answer = await post(
        "/api/auth/callback/credentials",
        { csrfToken: token, email: account.email, password: account.password, json: "true" },
        { origin },
      )
      await answer.text()
      expect(answer.headers.getSetCookie().join()).not.toMatch(/session=e/)
      const out = await post(
        "/api/auth/signout",
        { csrfToken: token },
        { origin, cookie: a.ownerCookie },
      )
      await out.text()
      expect(await isIn(a.ownerCookie, a)).toBe(true)
    }
  // The same in a browser, where the victim's cookies would travel if anything let them.
  const context = await openConsole(browser, deployment, b.ownerCookie)
  const page = await context.newPage()
  for (const action of ["/api/auth/signout", "/api/auth/callback/credentials", "/sign-out"]) {
    await page.goto(
      sites.evil.publish(
        "/forge",
        `<!doctype html><title>Evil</title><form method="post" action="${deployment.appUrl}${action}"><input name="csrfToken" value="${csrfToken}"><input name="email" value="${account.email}"><input name="password" value="${account.password}"></form><img src="${deployment.appUrl}${action}">`,
      ),
    )
    await submitForm(page)
    await page.goto(`${deployment.appUrl}/console/${b.tenantId}`)
    await expect(page).toHaveURL(`${deployment.appUrl}/console/${b.tenantId}`)
    await expect(page.getByText(canary).first()).toBeVisible()
  }
  await context.close()
})

async function signUpSomebody(
  deployment: Deployment,
): Promise<{ email: string; password: string }> {
  Object.assign(process.env, deployment.env, { LOG_LEVEL: "silent" })
  const { makeTenant } = await import("#prisma/factories.ts")
  const { disconnect } = await import("#lib/tenancy/database.ts")
  const { email, password } = await makeTenant()
  await disconnect()
  return { email, password }
}

test("W04 no page of the console stands in anybody's frame", async ({
  browser,
  deployment,
  sites,
}) => {
  const { a } = await enterWorld(deployment)
  const paths = readInventory().pages.map((page) => addressOf(page, a))
  for (const path of paths) {
    const answer = await fetch(deployment.appUrl + path, {
      headers: { cookie: a.ownerCookie },
      redirect: "manual",
    })
    await answer.text()
    expect(answer.headers.get("content-security-policy"), path).toContain("frame-ancestors 'none'")
    expect(answer.headers.get("x-frame-options"), path).toBe("DENY")
  }
  const context = await openConsole(browser, deployment, a.ownerCookie)
  for (const site of [sites.evil, sites.shop]) {
    const page = await context.newPage()
    const refused: string[] = []
    page.on("console", (message) => refused.push(message.text()))
    const frames = paths
      .slice(0, 6)
      .map((path) => `<iframe title="stolen" src="${deployment.appUrl}${path}"></iframe>`)
    await page.goto(site.publish("/frames", `<!doctype html><title>F</title>${frames.join("")}`))
    await expect.poll(() => refused.filter((text) => /frame-ancestors/.test(text)).length).toBe(6)
    for (const frame of page.frames().slice(1))
      expect(await frame.locator("body").textContent()).not.toContain("Alpha")
    await page.close()
  }
  await context.close()
})

test("W07 what a browser carried before signing in is worth nothing afterwards", async ({
  browser,
  deployment,
}) => {
  const [victim, attacker] = [await signUpSomebody(deployment), await signUpSomebody(deployment)]
  const isSignedIn = async (cookie: string) => {
    const answer = await fetch(`${deployment.appUrl}/console`, {
      headers: { cookie },
      redirect: "manual",
    })
    await answer.text()
    return answer.headers.get("location")?.includes("/console/ten_") ?? false
  }
  const planted = [
    "coatcheck.session=planted-by-somebody",
    await signIn(deployment, attacker.email, attacker.password),
    await signIn(deployment, victim.email, victim.password),
  ]
  for (const cookie of planted) {
    const context = await openConsole(browser, deployment, cookie)
    const page = await context.newPage()
    await page.goto(`${deployment.appUrl}/sign-in`)
    // Whoever is in already is led on: the form itself is what an attacker would send them through.
    await page.evaluate(
      async ({ email, password }) => {
        const { csrfToken } = await (await fetch("/api/auth/csrf")).json()
        await fetch("/api/auth/callback/credentials", {
          method: "POST",
          body: new URLSearchParams({ csrfToken, email, password, json: "true" }),
        })
      },
      { email: victim.email, password: victim.password },
    )
    const [name] = cookie.split("=")
    const now = (await context.cookies(deployment.appUrl)).find((one) => one.name === name)
    expect(`${name}=${now?.value}`).not.toBe(cookie)
    expect(await isSignedIn(`${name}=${now?.value}`)).toBe(true)
    expect(await isSignedIn(cookie)).toBe(false)
    await context.close()
  }
})

test("W08 pages of people are kept by nobody, and Back after signing out shows nothing", async ({
  browser,
  deployment,
}) => {
  const { b } = await enterWorld(deployment)
  const paths = readInventory().pages.map((page) => addressOf(page, b))
  for (const path of paths.filter((one) => one.startsWith("/console/")))
    for (const headers of [{}, { rsc: "1" }] as Record<string, string>[]) {
      const answer = await fetch(deployment.appUrl + path, {
        headers: { cookie: b.ownerCookie, ...headers },
      })
      // Shown, in either dialect: an empty answer would prove nothing.
      expect([answer.status, (await answer.text()).includes(canary)], path).toEqual([200, true])
      expect(answer.headers.get("cache-control"), path).toMatch(/(?=.*private)(?=.*no-store)/)
    }

  const { email, password } = await signUpSomebody(deployment)
  const context = await browser.newContext({ locale: "en-US" })
  const page = await context.newPage()
  await page.goto(`${deployment.appUrl}/sign-in`)
  await page.getByLabel("E-mail").fill(email)
  await page.getByLabel("Password").fill(password)
  await page.getByRole("button", { name: "Sign in" }).click()
  await page.waitForURL(/\/console\/ten_/)
  await page.getByRole("link", { name: "Settings", exact: true }).first().click()
  await page.waitForURL(/\/settings/)
  const words = page.getByText(email)
  await expect(words.first()).toBeAttached()
  await page.goto(`${deployment.appUrl}/sign-out`)
  await page.getByRole("button", { name: "Sign out" }).click()
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-out"))
  for (let steps = 0; steps < 4; steps++) {
    await page.goBack().catch(() => null)
    await page.waitForLoadState("networkidle")
    await expect(words).toHaveCount(0)
    await expect(page).not.toHaveURL(/\/console\/ten_/)
  }
  await context.close()
})

const directive = (policy: string, name: string) =>
  new RegExp(`(?:^|; )${name} ([^;]*)`).exec(policy)?.[1]

test("W10 every page and the frame have a policy of their own: a fresh nonce, no inline script, nothing foreign", async ({
  deployment,
}) => {
  const { a } = await enterWorld(deployment)
  const paths = [
    ...readInventory().pages.map((page) => addressOf(page, a)),
    `/embed?key=${a.key}`,
    "/embed?key=unknown",
    "/not/here",
  ]
  const nonces: string[] = []
  for (const path of paths)
    for (let round = 0; round < 2; round++) {
      const isFrame = path.startsWith("/embed")
      const answer = await fetch((isFrame ? deployment.widgetUrl : deployment.appUrl) + path, {
        headers: { cookie: a.ownerCookie },
        redirect: "manual",
      })
      const html = await answer.text()
      const policy = answer.headers.get("content-security-policy") ?? ""
      const scripts = directive(policy, "script-src") ?? ""
      const nonce = /'nonce-([^']+)'/.exec(scripts)?.[1] ?? ""
      expect(nonce, path).toMatch(/^[A-Za-z0-9+/]{22}==$/)
      nonces.push(nonce)
      expect(scripts, path).not.toMatch(/unsafe|\*|https?:(?!\/\/127\.0\.0\.1)|data:/)
      expect(directive(policy, "object-src"), path).toBe("'none'")
      expect(directive(policy, "base-uri"), path).toBe("'none'")
      expect(directive(policy, "form-action"), path).toBe("'self'")
      expect(directive(policy, "default-src"), path).toMatch(/^'(self|none)'$/)
      expect(directive(policy, "img-src"), path).toBe("'self' data:")
      const reach = isFrame ? "" : "'self' "
      const calls = `${reach}${deployment.widgetUrl}${isFrame ? "/api/embed/" : ""}`
      expect(directive(policy, "connect-src"), path).toBe(calls)
      // The nonce stands on each script there is, and only this answer's.
      for (const [tag] of html.matchAll(/<script\b[^>]*>/g))
        expect(tag, path).toContain(`nonce="${nonce}"`)
      expect(html, path).not.toMatch(/ on[a-z]+="|href="javascript:/i)
    }
  expect(new Set(nonces).size).toBe(nonces.length)
})

test("W20 every page, route and file sends each of the headers that a browser acts on", async ({
  deployment,
}) => {
  const { a } = await enterWorld(deployment)
  const own = { ...(await enterWorld(deployment)), b: a }
  // As behind TLS: only a process that knows it is on https may promise it.
  const [appUrl, widgetUrl] = ["https://chat.example.test", "https://widget.example.test"]
  const [port] = await findFreePorts(1)
  const program = startWeb({ ...deployment.env, APP_URL: appUrl!, WIDGET_URL: widgetUrl! }, port!)
  try {
    const base = `http://127.0.0.1:${port}`
    await waitUntilHealthy(base, program)
    const pages = readInventory().pages.map((page) => addressOf(page, a))
    const routes = routeRows.filter(({ method }) => method === "GET").map((row) => row.path(own))
    const files = [
      "/embed.js",
      "/icon.svg",
      "/_next/static/none.js",
      "/nothing",
      "/sign-in/",
      "//x",
    ]
    for (const path of [...pages, ...routes, ...files]) {
      const { headers } = await rawGet(base, path)
      const isEmbedded = /^\/(embed\b|api\/embed\/)/.test(path)
      const { "content-security-policy": policy, ...rest } = headers
      expect(policy, path).toMatch(/frame-ancestors/)
      expect(rest, path).toMatchObject({
        "strict-transport-security": "max-age=63072000; includeSubDomains",
        "x-content-type-options": "nosniff",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": isEmbedded ? "cross-origin" : "same-origin",
        "referrer-policy": isEmbedded ? "no-referrer" : "strict-origin-when-cross-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        ...(isEmbedded ? {} : { "x-frame-options": "DENY" }),
      })
    }
  } finally {
    await program.stop()
  }
})

test("W22 neither files of the project, nor source maps, nor a word about what runs here", async ({
  deployment,
}) => {
  const chunks = readdirSync(join(root, ".next/static"), { recursive: true, encoding: "utf8" })
    .filter((path) => /\.(js|css)$/.test(path))
    .map((path) => `/_next/static/${path}`)
  expect(chunks.length).toBeGreaterThan(10)
  const widget = readdirSync(join(root, "public/widget")).map((path) => `/widget/${path}`)
  const scripts = [...chunks, ...widget.filter((path) => /\.(js|css)$/.test(path)), "/embed.js"]
  const hidden = [
    ...["/.env", "/.env.local", "/.env.production", "/.env.example", "/.git/HEAD", "/.git/config"],
    ...["/.next/BUILD_ID", "/package.json", "/package-lock.json", "/next.config.ts", "/server.js"],
    ...[
      "/prisma/schema.prisma",
      "/lib/env.ts",
      "/.data/secrets.json",
      "/node_modules/next/package.json",
    ],
    ...["/_next", "/_next/static", "/_next/server/app-paths-manifest.json", "/_next/BUILD_ID"],
    ...["/_next/static/../server/server-reference-manifest.json", "/_next/static/..%2fBUILD_ID"],
    ...["/_next/static/%2e%2e/%2e%2e/.env", "/..%2f..%2f.env", "/widget/..%2f..%2f.env"],
    ...["/_next/static/chunks", "/_next/webpack-hmr", "/__nextjs_original-stack-frames"],
    ...[
      "/_error",
      "/_global-error",
      "/500",
      "/debug",
      "/phpinfo.php",
      "/actuator/env",
      "/swagger.json",
    ],
    ...scripts.map((path) => `${path}.map`),
  ]
  for (const path of hidden) {
    const answer = await rawGet(deployment.appUrl, path)
    expect([400, 404, 308], path).toContain(answer.status)
    expect(answer.text, path).not.toMatch(/"version"|DATABASE_URL|ref: refs|"sources"|"mappings"/)
  }
  for (const path of scripts) {
    const answer = await rawGet(deployment.appUrl, path)
    expect(answer.status, path).toBe(200)
    expect(answer.text, path).not.toContain("sourceMappingURL")
  }
  const broken = [
    "/%",
    "/%ff",
    "/console/%00",
    "/console/ten_x/bots/%ff",
    "/v1/bots/%00",
    "/sign-in?next=%",
  ]
  for (const path of [...hidden, ...broken, "/", "/sign-in", "/v1/bots", "/health", "/metrics"]) {
    const answer = await rawGet(deployment.appUrl, path)
    expect(answer.status, path).toBeLessThan(500)
    expect(answer.text, path).not.toMatch(/ at (?:async )?[\w.]+ \(|\.[jt]s:\d+|\/runtime\//)
    expect(answer.text, path).not.toContain(root)
    for (const name of ["x-powered-by", "server", "x-nextjs-stack"])
      expect(answer.headers[name], path).toBeUndefined()
  }
})

/** A path as it is: fetch would resolve its dots first. */
function rawGet(
  origin: string,
  path: string,
): Promise<{ status: number; text: string; headers: Record<string, unknown> }> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const outgoing = sendRaw({ hostname, port, path }, (answer) => {
      let text = ""
      answer.on("data", (part) => {
        text += part
      })
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, text, headers: answer.headers }),
      )
    })
    outgoing.once("error", reject)
    outgoing.end()
  })
}

test("W23 no link, redirect or setting ever takes its host from the request", async ({
  deployment,
}) => {
  const { a } = await enterWorld(deployment)
  const own = { ...(await enterWorld(deployment)), b: a }
  const { hostname, port } = new URL(deployment.appUrl)
  const get = (path: string, headers: Record<string, string>, method = "GET", body = "") =>
    new Promise<string>((resolve, reject) => {
      const outgoing = sendRaw({ hostname, port, path, method, headers }, (answer) => {
        let text = JSON.stringify([answer.statusCode, answer.rawHeaders])
        answer.on("data", (part) => {
          text += part
        })
        answer.on("end", () => resolve(text))
      })
      outgoing.once("error", reject)
      outgoing.end(body)
    })
  const forged = {
    host: "evil.test",
    "x-forwarded-host": "evil.test",
    "x-forwarded-server": "evil.test",
    "x-forwarded-proto": "https",
    "x-forwarded-port": "444",
    "x-original-host": "evil.test",
    "x-host": "evil.test",
    forwarded: "host=evil.test;proto=https",
  }
  const auth = [
    "/api/auth/csrf",
    "/api/auth/providers",
    "/api/auth/session",
    "/api/auth/signin",
    "/api/auth/signout",
    "/api/auth/signin?callbackUrl=https://evil.test/x".replace("evil.test", "other.test"),
  ]
  const pages = readInventory().pages.map((page) => addressOf(page, a))
  const routes = routeRows.filter(({ method }) => method === "GET").map((row) => row.path(own))
  const credentials: Record<string, string>[] = [
    {},
    { cookie: a.ownerCookie },
    { "x-api-key": a.secretKey },
  ]
  for (const path of [...pages, ...routes, ...auth, "/sign-in/", "/embed.js", "/nothing"])
    for (const credential of credentials) {
      const text = await get(path, { ...forged, ...credential, "x-forwarded-for": newAddress() })
      expect(text, path).not.toContain("evil.test")
      expect(text, path).not.toMatch(/:444\b/)
    }
  // The line that an owner pastes, and the way back after signing in, name our configured origins.
  const embed = await get(addressOf("console/[tenant]/bots/[bot]/embed", a), {
    ...forged,
    cookie: a.ownerCookie,
  })
  expect(embed).toContain(`${deployment.widgetUrl}/embed.js`)
  const { csrfToken, cookie } = await readCsrf(deployment)
  const signedIn = await get(
    "/api/auth/callback/credentials",
    {
      ...forged,
      cookie,
      "x-forwarded-for": newAddress(),
      "content-type": "application/x-www-form-urlencoded",
    },
    "POST",
    String(
      new URLSearchParams({
        csrfToken,
        ...(await signUpSomebody(deployment)),
        callbackUrl: "https://other.test/stolen",
        json: "true",
      }),
    ),
  )
  expect(signedIn).toMatch(/session=ey/)
  expect(signedIn).not.toMatch(/evil\.test|other\.test/)
})

async function readCsrf(deployment: Deployment): Promise<{ csrfToken: string; cookie: string }> {
  const answer = await fetch(`${deployment.appUrl}/api/auth/csrf`)
  const { csrfToken } = (await answer.json()) as { csrfToken: string }
  const cookie = answer.headers.getSetCookie().map((one) => one.split(";")[0])
  return { csrfToken, cookie: cookie.join("; ") }
}
