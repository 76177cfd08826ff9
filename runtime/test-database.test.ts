import { afterAll, beforeAll, expect, test } from "vitest"
import { env } from "#lib/env.ts"
import { withClient } from "./database-roles.ts"
import { type ClonedDatabase, cloneDatabase } from "./test-database.ts"

let clone: ClonedDatabase
beforeAll(async () => {
  clone = await cloneDatabase()
})
afterAll(() => clone.drop())

test("tests run as the app role, with secrets, before lib/env.ts is read", async () => {
  expect(env.AUTH_SECRET).toHaveLength(64)
  expect(env.TENANT_SETTING_KEY).toHaveLength(64)
  const role = await withClient(env.DATABASE_URL ?? "", (client) =>
    client.query("select current_user as name"),
  )
  expect(role.rows[0].name).toBe("app")
})

test("a cloned database is migrated, is owned by owner and gives nobody TEMP", async () => {
  const facts = await withClient(clone.appUrl, (client) =>
    client.query(`
      select (select count(*)::int from pg_tables where schemaname = 'pgboss') > 0 as migrated,
        pg_get_userbyid(datdba) as owner,
        has_database_privilege(datname, 'temporary') as temp
      from pg_database where datname = current_database()`),
  )
  expect(facts.rows[0]).toEqual({ migrated: true, owner: "owner", temp: false })
})
