import { Client } from "pg"

export const databaseName = "coatcheck"

export type Passwords = { superuser: string; owner: string; app: string }

export function databaseUrl(
  role: "postgres" | "owner" | "app",
  password: string,
  port: number,
  database = databaseName,
): string {
  return `postgresql://${role}:${password}@127.0.0.1:${port}/${database}`
}

/** Runs `work` with one connection and closes it, whatever happens. */
export async function withClient<T>(
  connectionString: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 5_000 })
  // A server that goes away between two statements must not end this process.
  client.on("error", () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end().catch(() => {})
  }
}

/**
 * Makes the login roles and the database of a fresh cluster; changes nothing on one that has them.
 * `owner` migrates and owns the tables; `app` owns nothing and can bypass nothing.
 */
export async function provisionRoles(superuserUrl: string, passwords: Passwords): Promise<void> {
  await withClient(superuserUrl, async (client) => {
    const roles = await client.query(
      "select rolname from pg_roles where rolname in ('owner','app')",
    )
    const known = new Set(roles.rows.map((row) => row.rolname))
    if (!known.has("owner"))
      await client.query(
        `create role owner login createrole nocreatedb nosuperuser nobypassrls noreplication
         password ${client.escapeLiteral(passwords.owner)}`,
      )
    if (!known.has("app"))
      await client.query(
        `create role app login nocreaterole nocreatedb nosuperuser nobypassrls noreplication
         password ${client.escapeLiteral(passwords.app)}`,
      )
    await client.query(`
      revoke connect, temporary on database postgres from public;
      revoke connect, temporary on database template1 from public`)
    const databases = await client.query("select 1 from pg_database where datname = $1", [
      databaseName,
    ])
    if (databases.rowCount === 0) await client.query(`create database ${databaseName} owner owner`)
    await closeDatabase(client, databaseName)
  })
}

/**
 * Takes CONNECT and TEMP from everybody but the owner and the app role. A temporary table could stand
 * in front of a real one in a definer function. A database made from a template needs it anew.
 */
export async function closeDatabase(client: Client, database: string): Promise<void> {
  const name = client.escapeIdentifier(database)
  await client.query(
    `revoke all on database ${name} from public; grant connect on database ${name} to app`,
  )
}
