import { randomBytes } from "node:crypto"
import { afterAll, beforeAll, expect, test } from "vitest"
import { assertAppRole, inspectAppRole } from "./checks.ts"
import { withClient } from "./database-roles.ts"
import { type ClonedDatabase, cloneDatabase } from "./test-database.ts"

let database: ClonedDatabase
beforeAll(async () => {
  database = await cloneDatabase()
})
afterAll(() => database.drop())

const asSuperuser = (sql: string) =>
  withClient(database.superuserUrl, (client) => client.query(sql))

/** A login role with these attributes and rights, and the address it signs in with. */
async function withRole(sql: string, work: (url: string) => Promise<void>): Promise<void> {
  const name = `r_${randomBytes(6).toString("hex")}`
  await asSuperuser(`create role ${name} login in role app password 'secret';
    ${sql.replaceAll("ROLE", name)}`)
  try {
    const url = new URL(database.appUrl)
    url.username = name
    url.password = "secret"
    await work(url.href)
  } finally {
    await asSuperuser(
      `reassign owned by ${name} to owner; drop owned by ${name}; drop role ${name}`,
    )
  }
}

test("the app role that the launcher makes has a clean bill", async () => {
  expect(await inspectAppRole(database.appUrl)).toEqual([])
})

test("a plain member of app has a clean bill", async () => {
  await withRole("", async (url) => expect(await inspectAppRole(url)).toEqual([]))
})

test.each([
  ["a superuser", "alter role ROLE superuser", /is a superuser/],
  ["a role that bypasses row-level security", "alter role ROLE bypassrls", /has BYPASSRLS/],
  ["a role that makes roles", "alter role ROLE createrole", /has CREATEROLE/],
  ["a member of app_search", "grant app_search to ROLE", /is a member of app_search/],
  ["a member of app_directory", "grant app_directory to ROLE", /is a member of app_directory/],
  [
    "a member that would first have to say SET ROLE",
    "grant app_search to ROLE with inherit false",
    /is a member of app_search/,
  ],
  ["a member of the owner", "grant owner to ROLE", /owns .* or is a member of the role that does/],
  [
    "the owner of one table",
    "create table mine (id int); alter table mine owner to ROLE",
    /owns mine/,
  ],
  [
    "a role that may create in public",
    "grant create on schema public to ROLE",
    /may create objects/,
  ],
])("X15 refuses %s", async (_, sql, expected) => {
  await withRole(sql, async (url) => {
    await expect(assertAppRole(url)).rejects.toThrow(expected)
  })
})

test("X15 refuses the owner itself", async () => {
  await expect(assertAppRole(database.ownerUrl)).rejects.toThrow(/"owner" owns/)
})

test.each(["no force row level security", "disable row level security"])(
  "refuses a tenant table with %s",
  async (clause) => {
    await asSuperuser(`alter table bots ${clause}`)
    try {
      await expect(assertAppRole(database.appUrl)).rejects.toThrow(/not enabled and forced on bots/)
    } finally {
      await asSuperuser("alter table bots enable row level security, force row level security")
    }
  },
)

test("warns about temporary tables without refusing", async () => {
  await withRole(
    `grant temporary on database ${new URL(database.appUrl).pathname.slice(1)} to ROLE`,
    async (url) => {
      expect(await assertAppRole(url)).toMatchObject([{ level: "warn" }])
    },
  )
})
