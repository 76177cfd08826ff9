import { randomBytes } from "node:crypto"
import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { closeDatabase, databaseName, withClient } from "./database-roles.ts"
import { prepareEnvironment } from "./environment.ts"

/** A copy of this name stays without connections, so that others can be made from it. */
const templateName = "coatcheck_template"

export type TestDatabase = {
  /** What a process under test needs in its environment. */
  env: Record<string, string>
  ownerUrl: string
  appUrl: string
  superuserUrl: string
  dataDir: string
  stop(): Promise<void>
}

/** A migrated cluster of its own in a fresh folder; `stop` ends it and removes the folder. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const dataDir = mkdtempSync(join(tmpdir(), "coatcheck-test-"))
  // mkdtemp makes it private, and as root the server runs under another account.
  chmodSync(dataDir, 0o711)
  const prepared = await prepareEnvironment({ dataDir })
  const stop = async () => {
    await prepared.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
  try {
    await skipDiskFlushes(prepared.superuserUrl)
    await copyDatabase(prepared.superuserUrl, databaseName, templateName)
  } catch (error) {
    await stop()
    throw error
  }
  const { env, ownerUrl, superuserUrl } = prepared
  return { env, ownerUrl, appUrl: env.DATABASE_URL ?? "", superuserUrl, dataDir, stop }
}

/** Test data need not survive a power cut; the launcher's own tests, about just that, start otherwise. */
async function skipDiskFlushes(superuserUrl: string): Promise<void> {
  await withClient(superuserUrl, async (client) => {
    for (const setting of ["fsync", "full_page_writes", "synchronous_commit"])
      await client.query(`alter system set ${setting} = off`)
    await client.query("select pg_reload_conf()")
  })
}

export type ClonedDatabase = {
  ownerUrl: string
  appUrl: string
  superuserUrl: string
  drop(): Promise<void>
}

/**
 * A database of one's own, migrated and empty, in well under a second: for a test that changes the schema or
 * needs to be alone. By default in the cluster that the vitest setup started.
 */
export async function cloneDatabase(
  urls: { ownerUrl: string; appUrl: string; superuserUrl: string } = readTestUrls(),
): Promise<ClonedDatabase> {
  const name = `coatcheck_${randomBytes(6).toString("hex")}`
  await copyDatabase(urls.superuserUrl, templateName, name)
  return {
    ownerUrl: atDatabase(urls.ownerUrl, name),
    appUrl: atDatabase(urls.appUrl, name),
    superuserUrl: atDatabase(urls.superuserUrl, name),
    drop: () =>
      withClient(urls.superuserUrl, async (client) => {
        await client.query(`drop database if exists ${client.escapeIdentifier(name)} with (force)`)
      }),
  }
}

function readTestUrls() {
  const { TEST_OWNER_URL, TEST_SUPERUSER_URL, DATABASE_URL } = process.env
  if (!TEST_OWNER_URL || !TEST_SUPERUSER_URL || !DATABASE_URL)
    throw new Error("No test cluster: run this under vitest, or pass the addresses.")
  return { ownerUrl: TEST_OWNER_URL, appUrl: DATABASE_URL, superuserUrl: TEST_SUPERUSER_URL }
}

async function copyDatabase(superuserUrl: string, from: string, to: string): Promise<void> {
  await withClient(superuserUrl, async (client) => {
    await client.query(`create database ${to} template ${from} owner owner`)
    // Rights on the database itself are not copied.
    await closeDatabase(client, to)
  })
}

function atDatabase(url: string, name: string): string {
  const address = new URL(url)
  address.pathname = `/${name}`
  return address.href
}
