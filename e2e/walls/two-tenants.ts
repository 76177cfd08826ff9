import { Client } from "pg"
import type { Role } from "#lib/tenancy/permissions.ts"
import {
  ask,
  buyTicket,
  call,
  expectCall,
  newAddress,
  openSession,
  openShop,
  type Session,
  type Shop,
  waitForSource,
} from "../counter.ts"
import type { Deployment } from "../deployment.ts"

// Two tenants with everything a tenant can have. Whatever belongs to B carries B's canary.

export type Tenant = Shop & {
  apiKeyId: string
  conversationId: string
  messageId: string
  toolId: string
  serverId: string
  crawlId: string
  /** Of an address that the key keeps out. */
  blockId: string
  goldenId: string
  leadId: string
  /** The one owner. */
  ownerId: string
  session: Session
  /** Cookie header of a signed-in owner, of a member and of a viewer. */
  ownerCookie: string
  memberCookie: string
  viewerCookie: string
}

export const canary = "CANARY-8f2c41d7"

export async function makeTenants(deployment: Deployment): Promise<{ a: Tenant; b: Tenant }> {
  const people = await makePeople(deployment)
  return {
    a: await fillTenant(deployment, "Alpha", people),
    b: await fillTenant(deployment, canary, people),
  }
}

type People = (tenantId: string, role: Role) => Promise<string>

/** Runs `work` as the database's superuser, past every wall: for looking, and for what has no API. */
export async function withDatabase<T>(
  deployment: Deployment,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({
    connectionString: deployment.database.superuserUrl.replace(/[^/]+$/, "coatcheck"),
  })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** People sign up through the product; which tenants they belong to is set as an invitation would. */
export async function makePeople(deployment: Deployment): Promise<People> {
  // The factories read the environment once, when they are first imported.
  Object.assign(process.env, deployment.env, { LOG_LEVEL: "silent" })
  const { makeTenant } = await import("#prisma/factories.ts")
  const { disconnect } = await import("#lib/tenancy/database.ts")
  return async (tenantId, role) => {
    const { email, password, userId } = await makeTenant()
    await disconnect()
    await addMembership(deployment, tenantId, userId, role)
    return signIn(deployment, email, password)
  }
}

/** Makes an existing person a member, as an invitation would. */
export async function addMembership(
  deployment: Deployment,
  tenantId: string,
  userId: string,
  role: string,
): Promise<void> {
  await withDatabase(deployment, (client) =>
    client.query("insert into memberships (tenant_id, user_id, role) values ($1, $2, $3)", [
      tenantId,
      userId,
      role,
    ]),
  )
}

/** Signs in as the form does and returns the Cookie header from then on. */
export async function signIn(
  deployment: Deployment,
  email: string,
  password: string,
  ip = newAddress(),
): Promise<string> {
  const csrf = await fetch(`${deployment.appUrl}/api/auth/csrf`, {
    headers: { "x-forwarded-for": ip },
  })
  const cookies = csrf.headers.getSetCookie().map((cookie) => cookie.split(";")[0]!)
  const { csrfToken } = (await csrf.json()) as { csrfToken: string }
  const answer = await fetch(`${deployment.appUrl}/api/auth/callback/credentials`, {
    method: "POST",
    redirect: "manual",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "x-forwarded-for": ip,
      cookie: cookies.join("; "),
    },
    body: new URLSearchParams({ csrfToken, email, password, json: "true" }),
  })
  const session = answer.headers.getSetCookie().find((cookie) => /session=ey/.test(cookie))
  if (!session) throw new Error(`Signing in failed: ${answer.status} ${await answer.text()}`)
  return session.split(";")[0]!
}

async function fillTenant(deployment: Deployment, word: string, people: People): Promise<Tenant> {
  const shop = await openShop(deployment, {
    text: `The ${word} policy: you can return any item within 30 days. ${word}`,
  })
  const { botId, keyId, api } = shop
  const rename = (path: string, body: object) => api(path, { method: "PATCH", body })
  await rename(`/v1/bots/${botId}`, { name: word, instructions: word, greeting: word })
  await rename(`/v1/embed-keys/${keyId}`, { name: word })
  const source = await api<{ id: string }>(`/v1/bots/${botId}/sources`, {
    body: { question: `What is ${word}?`, answer: `${word} is the policy of ${word}.` },
  })
  await waitForSource(api, source.body.id)
  const apiKey = await api<{ id: string }>("/v1/api-keys", { body: { name: word } })
  const tool = await api<{ id: string }>(`/v1/bots/${botId}/tools`, {
    body: {
      name: "cancel",
      description: word,
      method: "POST",
      url: "https://93.184.216.34/cancel",
      headers: { "x-key": word },
    },
  })
  await rename(`/v1/embed-keys/${keyId}`, { tools: [tool.body.id] })
  // Public to the way out, and reached by no test: reading it fails, which is all the same here.
  const crawl = await api<{ id: string }>(`/v1/bots/${botId}/crawls`, {
    body: { url: `https://93.184.216.34/${word}` },
  })
  const session = await openSession(deployment, shop)
  const { parts } = await ask(deployment, session.token, `Can I return an item? ${word} policy`)
  const lead = await expectCall<{ id: string }>(deployment, 201, "/api/embed/leads", {
    headers: { authorization: `Bearer ${session.token}` },
    body: { name: word, email: `${word.toLowerCase()}@example.com`, message: word },
  })
  const conversations = await api<{ data: { id: string }[] }>("/v1/conversations")
  return {
    ...shop,
    apiKeyId: apiKey.body.id,
    toolId: tool.body.id,
    serverId: await addServer(deployment, { tenantId: shop.tenantId, botId, name: word }),
    crawlId: crawl.body.id,
    blockId: await addKeptOut(deployment, shop),
    goldenId: await addGolden(deployment, { tenantId: shop.tenantId, botId, question: `${word}?` }),
    conversationId: conversations.body.data[0]!.id,
    messageId: String(parts[0]?.messageId),
    leadId: lead.id,
    session,
    ownerCookie: await people(shop.tenantId, "owner"),
    ownerId: await findOwner(deployment, shop.tenantId),
    memberCookie: await people(shop.tenantId, "member"),
    viewerCookie: await people(shop.tenantId, "viewer"),
  }
}

/** A server is asked when it is added, and none can be reached from here: by hand. */
async function addServer(
  deployment: Deployment,
  { tenantId, botId, name }: { tenantId: string; botId: string; name: string },
): Promise<string> {
  const client = new Client({
    connectionString: deployment.database.superuserUrl.replace(/[^/]+$/, "coatcheck"),
  })
  await client.connect()
  try {
    const { rows } = await client.query<{ id: string }>(
      `insert into mcp_servers (id, tenant_id, bot_id, name, url)
       values ('mcp_' || left(md5(random()::text), 24), $1, $2, $3, 'https://93.184.216.34/mcp')
       returning id`,
      [tenantId, botId, name],
    )
    return rows[0]!.id
  } finally {
    await client.end()
  }
}

async function findOwner(deployment: Deployment, tenantId: string): Promise<string> {
  const sql = "select user_id from memberships where tenant_id = $1 and role = 'owner'"
  const { rows } = await withDatabase(deployment, (client) => client.query(sql, [tenantId]))
  return rows[0]!.user_id
}

/** Golden questions are made in the console alone: here by hand. */
async function addGolden(
  deployment: Deployment,
  { tenantId, botId, question }: { tenantId: string; botId: string; question: string },
): Promise<string> {
  return withDatabase(deployment, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `insert into golden_questions (id, tenant_id, bot_id, question, expects, provenance)
       values ('gld_' || left(md5(random()::text), 24), $1, $2, $3, 'answer', 'written') returning id`,
      [tenantId, botId, question],
    )
    return rows[0]!.id
  })
}

/** Addresses are kept out in the console alone: here by hand. */
async function addKeptOut(deployment: Deployment, { tenantId, keyId }: Shop): Promise<string> {
  return withDatabase(deployment, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `insert into blocked_networks (id, tenant_id, key_id, network)
       values ('evt_' || left(md5(random()::text), 24), $1, $2, '192.0.2.0/24') returning id`,
      [tenantId, keyId],
    )
    return rows[0]!.id
  })
}

/** Everything the owner can read back, for comparing before and after. */
export async function readEverything(tenant: Tenant): Promise<string> {
  const paths = [
    "/v1/bots",
    `/v1/bots/${tenant.botId}`,
    `/v1/bots/${tenant.botId}/sources`,
    `/v1/bots/${tenant.botId}/embed-keys`,
    `/v1/bots/${tenant.botId}/tools`,
    `/v1/tools/${tenant.toolId}`,
    `/v1/bots/${tenant.botId}/mcp-servers`,
    "/v1/api-keys",
    "/v1/conversations",
    `/v1/conversations/${tenant.conversationId}`,
    "/v1/leads",
    "/v1/usage",
    "/v1/audit-events?limit=200",
  ]
  const answers = []
  for (const path of paths) answers.push([path, (await tenant.api(path)).body])
  // When a key was last used is the one thing that reading changes.
  return JSON.stringify(answers, (key, value) => (key === "lastUsedAt" ? undefined : value), 1)
}

/** What the worker, the live check and the counting of refusals write by themselves. */
const movingColumns: Record<string, string[]> = {
  api_keys: ["last_used_at"],
  sites: ["last_seen_at"],
  sessions: ["streaming_until", "renewed_at"],
  visitors: ["last_seen_at"],
  sources: ["status", "progress", "error", "attempts", "updated_at", "claim", "retry_at"],
  crawls: [
    ...["status", "run", "error", "attempts", "started_at", "finished_at", "updated_at"],
    "next_run_at",
  ],
  refusals: ["count", "last_at"],
}

/** Every row of a tenant in every table of the catalog, as the database holds it. */
export async function readRows(
  deployment: Deployment,
  tenantId: string,
): Promise<Record<string, string[]>> {
  return withDatabase(deployment, async (client) => {
    const { rows: tables } = await client.query<{ name: string; column: string }>(`
      select c.relname as name, a.attname as column from pg_class c
      join pg_attribute a on a.attrelid = c.oid
        and a.attname = case when c.relname = 'tenants' then 'id' else 'tenant_id' end
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' order by 1`)
    const found: Record<string, string[]> = {}
    for (const { name, column } of tables) {
      const { rows } = await client.query<{ row: string }>(
        `select (to_jsonb(t) - $2::text[])::text as row from public.${name} t where ${column} = $1`,
        [tenantId, movingColumns[name] ?? []],
      )
      found[name] = rows.map(({ row }) => row).sort()
    }
    return found
  })
}

export { buyTicket, call }
