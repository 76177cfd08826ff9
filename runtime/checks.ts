import type { Client } from "pg"
import { withClient } from "./database-roles.ts"

export type Finding = { level: "fail" | "warn"; message: string; remedy: string }

type RoleFacts = {
  role: string
  isSuperuser: boolean
  bypassesRls: boolean
  createsRoles: boolean
  ownsDatabase: boolean
  mayBecome: string[]
  owns: string[]
  mayCreateIn: string[]
  mayUseTemp: boolean
}

/**
 * What is wrong with the role in `appUrl`: anything by which row-level security would not hold for the
 * server. An empty list is a clean bill.
 */
export async function inspectAppRole(appUrl: string): Promise<Finding[]> {
  return withClient(appUrl, async (client) => {
    const facts = await readRoleFacts(client)
    return [...judgeRole(facts), ...(await findOpenTables(client))]
  })
}

/** Throws with every reason at once when the server must not run as this role; returns the warnings. */
export async function assertAppRole(appUrl: string): Promise<Finding[]> {
  const findings = await inspectAppRole(appUrl)
  const failures = findings.filter((finding) => finding.level === "fail")
  if (failures.length > 0)
    throw new Error(
      `The database role does not keep tenants apart, so the server does not start:\n${failures
        .map((finding) => `  ${finding.message} ${finding.remedy}`)
        .join("\n")}`,
    )
  return findings
}

async function readRoleFacts(client: Client): Promise<RoleFacts> {
  // current_user throughout: what counts is the role that the statements will run as.
  const { rows } = await client.query<RoleFacts>(`
    select r.rolname as role,
      r.rolsuper as "isSuperuser",
      r.rolbypassrls as "bypassesRls",
      r.rolcreaterole as "createsRoles",
      (select pg_has_role(datdba, 'member') from pg_database
        where datname = current_database()) as "ownsDatabase",
      array(select o.rolname::text from pg_roles o
        where o.oid <> r.oid and pg_has_role(o.oid, 'member')
          and (o.rolsuper or o.rolbypassrls or o.rolname in ('app_search', 'app_directory'))
        order by 1) as "mayBecome",
      array(select c.oid::regclass::text from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'v', 'm')
          and n.nspname !~ '^(pg_|information_schema$)'
          and pg_has_role(c.relowner, 'member') order by 1 limit 5) as "owns",
      array(select n.nspname::text from pg_namespace n
        where n.nspname in ('public', 'sec', 'directory', 'limits', 'search', 'pgboss')
          and has_schema_privilege(n.oid, 'create') order by 1) as "mayCreateIn",
      has_database_privilege(current_database(), 'temporary') as "mayUseTemp"
    from pg_roles r where r.rolname = current_user`)
  const facts = rows[0]
  if (!facts) throw new Error("The database does not know the role of DATABASE_URL.")
  return facts
}

function judgeRole(facts: RoleFacts): Finding[] {
  const role = `"${facts.role}"`
  const separate = "Give DATABASE_URL a plain login role, and the owner to MIGRATION_DATABASE_URL."
  // A superuser is a member of every role: the rest of the list would only repeat it.
  if (facts.isSuperuser)
    return [{ level: "fail", message: `${role} is a superuser.`, remedy: separate }]
  const findings: Finding[] = []
  const report = (level: Finding["level"], message: string, remedy: string) =>
    findings.push({ level, message, remedy })
  if (facts.bypassesRls)
    report("fail", `${role} has BYPASSRLS.`, `Run: alter role ${role} nobypassrls.`)
  if (facts.createsRoles)
    report("fail", `${role} has CREATEROLE.`, `Run: alter role ${role} nocreaterole.`)
  if (facts.mayBecome.length > 0)
    report(
      "fail",
      `${role} is a member of ${facts.mayBecome.join(", ")}.`,
      `Run: revoke ${facts.mayBecome.join(", ")} from ${role}.`,
    )
  if (facts.ownsDatabase || facts.owns.length > 0) {
    const things = facts.owns.length > 0 ? facts.owns.join(", ") : "the database"
    report("fail", `${role} owns ${things}, or is a member of the role that does.`, separate)
  }
  if (facts.mayCreateIn.length > 0)
    report(
      "fail",
      `${role} may create objects in ${facts.mayCreateIn.join(", ")}.`,
      `Run: revoke create on schema ${facts.mayCreateIn.join(", ")} from public, ${role}.`,
    )
  if (facts.mayUseTemp)
    report(
      "warn",
      `${role} may create temporary tables.`,
      "Run as the database's owner: revoke temporary on database … from public.",
    )
  return findings
}

/** Every table that the app role can touch must be behind forced row-level security; the queue is not. */
async function findOpenTables(client: Client): Promise<Finding[]> {
  const { rows } = await client.query<{ name: string }>(`
    select c.oid::regclass::text as name from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema$|pgboss$)'
      and has_table_privilege(c.oid, 'select, insert, update, delete, truncate')
      and not (c.relrowsecurity and c.relforcerowsecurity)
    order by 1`)
  if (rows.length === 0) return []
  const names = rows.map((row) => row.name).join(", ")
  return [
    {
      level: "fail",
      message: `Row-level security is not enabled and forced on ${names}.`,
      remedy: "Run npm run db:migrate; if it stays, restore the schema from the migrations.",
    },
  ]
}
