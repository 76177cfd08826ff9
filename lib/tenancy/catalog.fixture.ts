import type { Client } from "pg"

export type TenantTable = {
  name: string
  /** Which column holds the tenant: `id` of tenants itself, `tenant_id` of all others. */
  tenantColumn: string
  columns: string[]
  primaryKey: string[]
}

/** Every table that belongs to tenants, from the catalog: a new table joins the wall tests by itself. */
export async function listTenantTables(client: Client): Promise<TenantTable[]> {
  const { rows } = await client.query<TenantTable>(`
    select c.relname as name,
      case when c.relname = 'tenants' then 'id' else 'tenant_id' end as "tenantColumn",
      (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
       where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
      (select array_agg(a.attname::text order by a.attnum) from pg_index i
       join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey::int2[])
       where i.indrelid = c.oid and i.indisprimary) as "primaryKey"
    from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
      and (c.relname = 'tenants' or exists (
        select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id'))
    order by c.relname`)
  return rows
}
