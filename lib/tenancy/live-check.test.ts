import { Client } from "pg"
import { afterAll, beforeAll, expect, test } from "vitest"
import { type ClonedDatabase, cloneDatabase } from "#runtime/test-database.ts"

// Every visitor's request makes this one read, so it must stay a handful of index look-ups however many
// sessions there are.

let clone: ClonedDatabase
let client: Client

beforeAll(async () => {
  clone = await cloneDatabase()
  client = new Client({ connectionString: clone.superuserUrl })
  await client.connect()
  // As many rows as a deployment that is well used: of each kind 10,000, and 40,000 sessions.
  await client.query(`
    set session_replication_role = replica;
    insert into tenants (id, name) select 'ten_' || t, 'Tenant' from generate_series(1, 2000) t;
    create temporary table pairs as
      select 'ten_' || t as tenant, t || '_' || n as pair from generate_series(1, 2000) t, generate_series(1, 5) n;
    insert into bots (id, tenant_id, name, is_published, instructions)
      select 'bot_' || pair, tenant, 'Bot', true, repeat('x', 200) from pairs;
    insert into embed_keys (id, tenant_id, name, mode, random)
      select 'key_' || pair, tenant, 'Key', 'live', 'r' from pairs;
    insert into embed_key_bots (tenant_id, key_id, bot_id, ordinal)
      select tenant, 'key_' || pair, 'bot_' || pair, 0 from pairs;
    insert into embed_key_origins (id, tenant_id, key_id, pattern)
      select 'rul_' || pair, tenant, 'key_' || pair, 'https://shop.example.com' from pairs;
    insert into blocked_networks (id, tenant_id, key_id, network)
      select 'net_' || pair, tenant, 'key_' || pair, '203.0.113.0/24' from pairs;
    insert into visitors (id, tenant_id, bot_id, origin, secret_hash)
      select 'vis_' || pair || '_' || v, tenant, 'bot_' || pair, 'https://shop.example.com', repeat('0', 64) || v
      from pairs, generate_series(1, 4) v;
    insert into sessions (id, tenant_id, bot_id, key_id, visitor_id, kind, origin, origin_rule_id, key_version, stamp, address)
      select 'ses_' || pair || '_' || v, tenant, 'bot_' || pair, 'key_' || pair, 'vis_' || pair || '_' || v, 'page',
        'https://shop.example.com', 'rul_' || pair, 1, '0.0.0', '192.0.2.1'
      from pairs, generate_series(1, 4) v;
    drop table pairs;
    set session_replication_role = origin;
    analyze;`)
}, 60_000)

afterAll(async () => {
  await client.end()
  await clone.drop()
})

type Plan = {
  "Node Type": string
  "Relation Name"?: string
  "Actual Rows"?: number
  "Actual Loops"?: number
  "Shared Hit Blocks"?: number
  Plans?: Plan[]
}

/** The plan of the function's own body, as the role that owns it. */
async function explain(name: string, values: unknown[]): Promise<Plan> {
  const { rows } = await client.query<{ body: string; types: string }>(
    `select prosrc as body, array_to_string(proargtypes::regtype[], ', ') as types
     from pg_proc where oid = $1::regproc`,
    [name],
  )
  const { types } = rows[0]!
  let { body } = rows[0]!
  const { rows: parameters } = await client.query<{ names: string[] }>(
    `select array_agg(name order by ordinal) as names from pg_proc p,
       unnest(p.proargnames, p.proargmodes) with ordinality as a (name, mode, ordinal)
     where p.oid = $1::regproc and (p.proargmodes is null or a.mode = 'i')`,
    [name],
  )
  for (const [i, parameter] of parameters[0]!.names.entries())
    body = body.replaceAll(new RegExp(`\\b${parameter}\\b`, "g"), `$${i + 1}`)
  await client.query("begin; set local role app_directory")
  // What a busy connection runs after its first five calls: one plan for any argument.
  await client.query("set local plan_cache_mode = force_generic_plan")
  try {
    await client.query(`prepare check_plan (${types}) as ${body}`)
    const literals = values.map((value) =>
      value === null
        ? "null"
        : Array.isArray(value)
          ? `array[${value.map((v) => client.escapeLiteral(v)).join(",")}]`
          : client.escapeLiteral(String(value)),
    )
    const explained = await client.query(
      `explain (analyze, buffers, format json) execute check_plan (${literals.join(", ")})`,
    )
    return explained.rows[0]["QUERY PLAN"][0].Plan
  } finally {
    await client.query("rollback; deallocate all")
  }
}

function listNodes(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(listNodes)]
}

const listWholeReads = (plan: Plan) =>
  listNodes(plan)
    .filter((node) => node["Node Type"] === "Seq Scan")
    .map((node) => node["Relation Name"])

test("the live check of one session among 40,000 reads a few rows, through indexes alone", async () => {
  const plan = await explain("directory.find_live_sessions", [["ses_7_3_2"]])
  expect(plan["Actual Rows"]).toBe(1)
  expect(listWholeReads(plan)).toEqual([])
  for (const node of listNodes(plan))
    expect((node["Actual Rows"] ?? 0) * (node["Actual Loops"] ?? 1)).toBeLessThanOrEqual(10)
  expect(plan["Shared Hit Blocks"]).toBeLessThan(60)
})

test("the re-check of 50 open streams reads those 50, through indexes alone", async () => {
  const ids = Array.from({ length: 50 }, (_, i) => `ses_${i + 1}_1_1`)
  const plan = await explain("directory.find_live_sessions", [ids])
  expect(plan["Actual Rows"]).toBe(50)
  expect(listWholeReads(plan)).toEqual([])
})

test("the look-up of a key among 10,000 goes through indexes alone", async () => {
  const plan = await explain("directory.find_embed_key", ["key_7_3", "r", null, "192.0.2.1"])
  expect(plan["Actual Rows"]).toBe(1)
  expect(listWholeReads(plan)).toEqual([])
})
