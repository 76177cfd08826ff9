import { readFileSync } from "node:fs"
import { join } from "node:path"
import {
  type MemberPermission,
  memberPermissions,
  permissionsOf,
  type Role,
  roles,
} from "#lib/tenancy/permissions.ts"
import { newAddress } from "../counter.ts"
import type { Deployment } from "../deployment.ts"
import { expect, test } from "../fixtures.ts"
import { actionRows, routeRows, type World } from "./matrix.ts"
import { callAction, readActions } from "./server-actions.ts"
import { makePeople, makeTenants, type Tenant } from "./two-tenants.ts"

// Role × route: what each role may is read from the one role table and compared with what the server answers.
// The table itself is compared with the documented one in lib/tenancy/permissions.test.ts.

const appFolder = join(import.meta.dirname, "..", "..", "app")

/** What a route or an action says it needs, as its source spells it. */
function readPermission(file: string, pattern: RegExp): MemberPermission | null {
  const [, block] = pattern.exec(readFileSync(join(appFolder, file), "utf8")) ?? []
  const [, permission] = /permission:\s*"([a-zA-Z.]+)"/.exec(block ?? "") ?? []
  return memberPermissions.find((one) => one === permission) ?? null
}

const routePermission = (file: string, method: string) =>
  readPermission(`${file}/route.ts`, new RegExp(`const ${method} = route\\(\\{([\\s\\S]*?)handle`))
const actionPermission = (file: string, name: string) =>
  readPermission(
    `${file}/actions.ts`,
    new RegExp(`const ${name} = memberAction\\(\\{([\\s\\S]*?)handle`),
  )

let people: { world: World; cookies: Record<Role, string> } | null = null

async function enter(deployment: Deployment) {
  if (people) return people
  const tenants = await makeTenants(deployment)
  const join = await makePeople(deployment)
  const cookies = {} as Record<Role, string>
  for (const role of roles) cookies[role] = await join(tenants.a.tenantId, role)
  people = { world: { ...tenants, ticket: "" }, cookies }
  return people
}

/** In A's own tenant, with ids that name nothing there: who may gets "not found", who may not never gets so far. */
const inOwnTenant = ({ a, b }: World): World => ({
  a,
  b: { ...b, tenantId: a.tenantId } as Tenant,
  ticket: "",
})

test("A09 every route of the console answers each role as the role table says", async ({
  deployment,
}) => {
  test.setTimeout(120_000)
  const { world, cookies } = await enter(deployment)
  const rows = routeRows.filter((row) => row.door === "member")
  expect(rows.length).toBeGreaterThan(4)
  const answers: string[] = []
  const expected: string[] = []
  for (const row of rows) {
    const permission = routePermission(row.file, row.method)
    expect(permission, `${row.method} ${row.file} names its permission`).not.toBeNull()
    for (const role of roles) {
      const own = inOwnTenant(world)
      const body = row.body?.(own)
      const isForm = body instanceof FormData
      const response = await fetch(deployment.appUrl + row.path(own), {
        method: row.method,
        headers: {
          "x-forwarded-for": newAddress(),
          cookie: cookies[role],
          origin: deployment.appUrl,
          ...(body === undefined || isForm ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
      })
      await response.body?.cancel()
      const what = `${row.method} ${row.file} by ${role}`
      expect([200, 201, 202, 403, 404], `${what}: ${response.status}`).toContain(response.status)
      answers.push(`${what}: ${response.status === 403 ? "no" : "yes"}`)
      expected.push(`${what}: ${permissionsOf(role).has(permission!) ? "yes" : "no"}`)
    }
  }
  expect(answers).toEqual(expected)
})

test("A09, A08 every server action answers each role as the role table says", async ({
  deployment,
}) => {
  test.setTimeout(240_000)
  const { world, cookies } = await enter(deployment)
  const actions = readActions(world)
  const answers: string[] = []
  const expected: string[] = []
  for (const { file, name, input } of actionRows) {
    if (!input) continue
    const permission = actionPermission(file, name)
    expect(permission, `${file} ${name} names its permission`).not.toBeNull()
    for (const role of roles) {
      const { text } = await callAction(
        deployment,
        actions.get(`${file} ${name}`)!,
        cookies[role],
        [world.a.tenantId, input(world)],
      )
      const what = `${name} by ${role}`
      // What is no member's of A is "not found", also to who may; that the role may not is said first.
      expect(text, `${what}: ${text.slice(0, 300)}`).toMatch(/"ok":(true|false)/)
      answers.push(`${what}: ${text.includes('"code":"forbidden"') ? "no" : "yes"}`)
      expected.push(`${what}: ${permissionsOf(role).has(permission!) ? "yes" : "no"}`)
    }
  }
  expect(answers).toEqual(expected)
})
