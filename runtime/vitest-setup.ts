import { createTestDatabase } from "./test-database.ts"

/**
 * One cluster for the whole run. The addresses and secrets go into this process's environment before
 * vitest forks its workers, so that lib/env.ts finds them when a test first imports it.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const database = await createTestDatabase()
  Object.assign(process.env, database.env, {
    TEST_OWNER_URL: database.ownerUrl,
    TEST_SUPERUSER_URL: database.superuserUrl,
    LOG_LEVEL: process.env.LOG_LEVEL ?? "silent",
  })
  // Tests say themselves which model answers and where limits are counted.
  for (const name of ["MODEL_PROVIDER", "MODEL_API_KEY", "REDIS_URL", "UPSTASH_REDIS_REST_URL"])
    delete process.env[name]
  return database.stop
}
