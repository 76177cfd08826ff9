import { afterAll, beforeAll, expect, test } from "vitest"
import { assertNotDemo, markDemo } from "./demo-mark.ts"
import { type ClonedDatabase, cloneDatabase } from "./test-database.ts"

let database: ClonedDatabase
beforeAll(async () => {
  database = await cloneDatabase()
})
afterAll(() => database.drop())

test("a database marked as the demo is refused, seen from the app role; an ordinary one is not", async () => {
  await expect(assertNotDemo(database.appUrl)).resolves.toBeUndefined()
  await markDemo(database.ownerUrl)
  await expect(assertNotDemo(database.appUrl)).rejects.toThrow(/does not serve in production/)
})
