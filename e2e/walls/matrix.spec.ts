import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { buyTicket, newAddress } from "../counter.ts"
import type { Deployment } from "../deployment.ts"
import { expect, test } from "../fixtures.ts"
import { actionRows, type Door, routeRows, type World } from "./matrix.ts"
import { callAction, readActions } from "./server-actions.ts"
import { canary, makeTenants, readEverything, readRows, type Tenant } from "./two-tenants.ts"

// The cross-tenant matrix: every route × every kind of caller of tenant A × the ids of tenant B.

const appFolder = join(import.meta.dirname, "..", "..", "app")

function listFiles(name: string): string[] {
  return readdirSync(appFolder, { recursive: true, encoding: "utf8" })
    .filter((path) => path === name || path.endsWith(`/${name}`))
    .map((path) => join(appFolder, path))
}

const folderOf = (path: string) => relative(appFolder, dirname(path))

test("X01 every route file and each of its methods stands in the matrix", () => {
  const exported = /export (?:const|async function|function) (GET|POST|PUT|PATCH|DELETE|OPTIONS)\b/g
  const renamed = /\bas (GET|POST|PUT|PATCH|DELETE|OPTIONS)\b/g
  const files = listFiles("route.ts")
  for (const path of files) {
    const text = readFileSync(path, "utf8")
    const file = folderOf(path)
    const methods = [...text.matchAll(exported), ...text.matchAll(renamed)].map(([, name]) => name)
    expect(methods.length, `${file} exports no method`).toBeGreaterThan(0)
    const isCatchAll = file.endsWith("[...rest]")
    const listed = routeRows.filter((row) => row.file === file).map((row) => row.method)
    // A catch-all answers every method with one same function.
    for (const method of isCatchAll ? methods.slice(0, 1) : methods)
      expect(
        isCatchAll ? listed.length > 0 : listed.includes(method as "GET"),
        `${method} ${file}`,
      ).toBe(true)
  }
  const known = files.map(folderOf)
  for (const { file } of routeRows) expect(known, `${file} is gone`).toContain(file)
})

test("X01 every server action stands in the matrix", () => {
  const found = listFiles("actions.ts").flatMap((path) =>
    [...readFileSync(path, "utf8").matchAll(/export (?:const|async function) (\w+)/g)].map(
      ([, name]) => `${folderOf(path)} ${name}`,
    ),
  )
  expect(actionRows.map(({ file, name }) => `${file} ${name}`).sort()).toEqual(found.sort())
})

test("no page of ours is left out: the console's pages are all below a tenant", () => {
  const pages = listFiles("page.tsx").map(folderOf)
  const outside = pages.filter((page) => !page.startsWith("console/[tenant]"))
  expect(outside.sort()).toEqual([
    "(auth)/sign-in",
    "(auth)/sign-out",
    "(auth)/sign-up",
    "(marketing)",
    "console",
  ])
})

let tenants: { a: Tenant; b: Tenant } | null = null

async function enterWorld(deployment: Deployment): Promise<World> {
  tenants ??= await makeTenants(deployment)
  return { ...tenants, ticket: await buyTicket(deployment, tenants.a) }
}

type Caller = { name: string; door: Door | null; headers: Record<string, string> }

function listCallers(deployment: Deployment, { a }: World): Caller[] {
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
  const origin = deployment.appUrl
  return [
    { name: "anon", door: null, headers: {} },
    { name: "embed key as bearer", door: null, headers: bearer(a.key) },
    { name: "embed key as API key", door: null, headers: { "x-api-key": a.key } },
    { name: "embed key as master key", door: null, headers: { "x-master-key": a.key } },
    { name: "API key as master key", door: null, headers: { "x-master-key": a.secretKey } },
    { name: "viewer", door: "member", headers: { cookie: a.viewerCookie, origin } },
    { name: "member", door: "member", headers: { cookie: a.memberCookie, origin } },
    { name: "owner", door: "member", headers: { cookie: a.ownerCookie, origin } },
    { name: "API key", door: "apiKey", headers: bearer(a.secretKey) },
    { name: "session token", door: "session", headers: bearer(a.session.token) },
  ]
}

test("X01, X05 no caller of A gets anything of B's from any route, and nothing of B's changes", async ({
  deployment,
}) => {
  test.setTimeout(180_000)
  const world = await enterWorld(deployment)
  const before = await readEverything(world.b)
  expect(before).toContain(canary)
  const rowsBefore = await readRows(deployment, world.b.tenantId)
  expect(JSON.stringify(rowsBefore)).toContain(canary)
  for (const row of routeRows) {
    const body = row.body?.(world)
    for (const { name, door, headers } of listCallers(deployment, world)) {
      const isForm = body instanceof FormData
      const response = await fetch(deployment.appUrl + row.path(world), {
        method: row.method,
        redirect: "manual",
        headers: {
          "x-forwarded-for": newAddress(),
          ...(body === undefined || isForm ? {} : { "content-type": "application/json" }),
          ...headers,
          ...row.headers?.(world),
        },
        ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
      })
      const what = `${row.method} ${row.path(world)} by ${name}`
      const text = await response.text()
      expect(text, what).not.toContain(canary)
      expect([...response.headers].join(), what).not.toContain(canary)
      if (row.door === "public" || row.door === door) {
        // A viewer or member may be told that it is not theirs before what they name is looked for.
        const isLower = name === "viewer" || name === "member"
        const allowed = isLower ? [...row.own, 403] : row.own
        expect(allowed, `${what} → ${response.status} ${text}`).toContain(response.status)
      } else {
        expect([401, 403, 404], `${what} → ${response.status} ${text}`).toContain(response.status)
      }
    }
  }
  expect(await readEverything(world.b)).toBe(before)
  expect(await readRows(deployment, world.b.tenantId)).toEqual(rowsBefore)
})

test("X01, X05 no server action reaches into B, in A's tenant or in B's, whoever of A calls it", async ({
  deployment,
}) => {
  test.setTimeout(120_000)
  const world = await enterWorld(deployment)
  const { a, b } = world
  const before = await readEverything(b)
  const actions = readActions(world)
  const call = (file: string, name: string, cookie: string, args: unknown[]) =>
    callAction(deployment, actions.get(`${file} ${name}`)!, cookie, args)
  // The rig itself works: A's owner may do this in A.
  const fine = await call("console/[tenant]/bots/[bot]", "updateBot", a.ownerCookie, [
    a.tenantId,
    { botId: a.botId, label: "Ask us" },
  ])
  expect(fine.text).toContain('"ok":true')
  for (const { file, name, input, isForeignInput } of actionRows) {
    if (!input) continue
    expect(actions.has(`${file} ${name}`), `${name} is not in the build`).toBe(true)
    const attempts = [
      ["owner in B", a.ownerCookie, b.tenantId],
      ["member in B", a.memberCookie, b.tenantId],
      ["viewer in B", a.viewerCookie, b.tenantId],
      ["nobody in B", "", b.tenantId],
      ...(isForeignInput ? [["owner in A", a.ownerCookie, a.tenantId]] : []),
    ] as [string, string, string][]
    for (const [who, cookie, tenantId] of attempts) {
      const { text } = await call(file, name, cookie, [tenantId, input(world)])
      const what = `${name} by ${who}: ${text.slice(0, 400)}`
      expect(text, what).not.toContain(canary)
      expect(text, what).not.toContain('"ok":true')
      expect(text, what).toMatch(/"code":"(not_found|unauthorized|forbidden|invalid)"/)
    }
  }
  expect(await readEverything(b)).toBe(before)
})

test("no page of the console shows A's people anything of B's", async ({ deployment }) => {
  test.setTimeout(120_000)
  const world = await enterWorld(deployment)
  const { a, b } = world
  const pages = listFiles("page.tsx")
    .map(folderOf)
    .filter((page) => page.startsWith("console/[tenant]"))
  const fill = (page: string, tenantId: string, botId: string) =>
    `/${page
      .replace("[tenant]", tenantId)
      .replace("[bot]", botId)
      .replace("[key]", b.keyId)
      .replace("[conversation]", b.conversationId)}`
  const get = async (path: string, cookie: string, headers: Record<string, string> = {}) => {
    const response = await fetch(deployment.appUrl + path, {
      redirect: "manual",
      headers: { cookie, "x-forwarded-for": newAddress(), ...headers },
    })
    return { status: response.status, text: await response.text(), headers: response.headers }
  }
  for (const page of pages) {
    const own = fill(page, b.tenantId, b.botId)
    const shown = await get(own, b.ownerCookie)
    // The page does hold B's words for B's own people: an empty page would prove nothing.
    expect(shown.status, own).toBe(200)
    expect(shown.text, own).toContain(canary)
    expect(shown.headers.get("cache-control"), own).toMatch(/no-store|private/)
    const paths = [own, ...(page.includes("[bot]") ? [fill(page, a.tenantId, b.botId)] : [])]
    if (page.includes("[conversation]")) paths.push(fill(page, a.tenantId, a.botId))
    for (const path of paths)
      for (const cookie of [a.ownerCookie, a.viewerCookie, ""])
        for (const headers of [{}, { rsc: "1" }] as Record<string, string>[]) {
          const answer = await get(path, cookie, headers)
          expect(answer.text, path).not.toContain(canary)
          expect(answer.status, path).toBeLessThan(500)
        }
  }
})
