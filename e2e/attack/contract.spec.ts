import { test as base, expect } from "@playwright/test"
import {
  ask,
  call,
  newAddress,
  openSession,
  openShop,
  returnsQuestion,
  type Shop,
} from "../counter.ts"
import { type Deployment, startDeployment } from "../deployment.ts"
import { isLong, rounds } from "./rounds.ts"

// The API against its own description: requests made from the OpenAPI document, good and bad. The one law is
// that nothing answers 5xx; and what comes back is what the document says.

type Schema = {
  type?: string | string[]
  properties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
  items?: Schema
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
  maxLength?: number
  minimum?: number
  maximum?: number
  default?: unknown
}
type Parameter = { name: string; in: "path" | "query"; required: boolean; schema: Schema }
type Operation = {
  parameters: Parameter[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<string, { content?: object }>
}
type Described = { path: string; method: string; operation: Operation; body: Schema | null }

type World = { shop: Shop; other: Shop; operations: Described[]; ids: Record<string, string> }

const test = base.extend<object, { deployment: Deployment; world: World }>({
  deployment: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures a function wants from it
    async ({}, use) => {
      // A tenant's rate would answer most of these requests before the route reads them.
      const deployment = await startDeployment({
        webCount: 2,
        env: { DEFAULT_RATE_LIMIT: "100000000", LOG_LEVEL: "error" },
      })
      await use(deployment)
      await deployment.stop()
    },
    { scope: "worker", timeout: 90_000 },
  ],
  world: [
    async ({ deployment }, use) => {
      await use(await makeWorld(deployment))
    },
    { scope: "worker", timeout: 60_000 },
  ],
})

async function makeWorld(deployment: Deployment): Promise<World> {
  const shop = await openShop(deployment)
  const other = await openShop(deployment)
  const { body } = await call<{ paths: Record<string, Record<string, Operation>> }>(
    deployment,
    "/v1/openapi.json",
  )
  const operations = Object.entries(body.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      path,
      method: method.toUpperCase(),
      operation,
      body: operation.requestBody?.content["application/json"]?.schema ?? null,
    })),
  )
  const { token } = await openSession(deployment, shop)
  await ask(deployment, token, returnsQuestion)
  const conversations = await shop.api<{ data: { id: string }[] }>("/v1/conversations")
  const make = async (path: string, made: object) =>
    (await shop.api<{ id: string }>(path, { body: made })).body.id
  const bot = `/v1/bots/${shop.botId}`
  return {
    shop,
    other,
    operations,
    ids: {
      bot: shop.botId,
      source: shop.sourceId,
      key: shop.keyId,
      conversation: conversations.body.data[0]!.id,
      tool: await make(`${bot}/tools`, {
        name: "lookup",
        description: "Looks up.",
        url: "https://93.184.216.34/",
        isEnabled: false,
      }),
      crawl: await make(`${bot}/crawls`, { url: "https://93.184.216.34/" }),
      server: "mcp_000000000000000000000000",
    },
  }
}

/** A small generator whose every run can be had again from its seed. */
function randomFrom(seed: number) {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    chance: (share: number) => next() < share,
    pick: <T>(all: readonly T[]): T => all[Math.floor(next() * all.length)]!,
    int: (most: number) => Math.floor(next() * (most + 1)),
  }
}
type Random = ReturnType<typeof randomFrom>

const metacharacters = [
  "'",
  "' or 1=1 --",
  '"; drop table bots; --',
  "%' escape '",
  "%_%",
  "\\",
  "\\x00\\",
  "!&|<->:*()",
  "a:* & !b | (c",
  "(((((a+)+)+)+)+$",
  "[[:alpha:]]*{1,999}",
  "^(a|a?)+$",
  "$$;select pg_sleep(5);$$",
  "\u0000",
  "\ud800",
  '{"$ne":null}',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: an injection, on purpose
  "${7*7}{{7*7}}<%= 7*7 %>",
  "../../etc/passwd",
  "\r\nset-cookie: a=b",
  "﷽".repeat(20),
]

const junk: unknown[] = [
  ...metacharacters,
  "",
  null,
  true,
  -1,
  0.5,
  1e308,
  2 ** 60,
  [],
  {},
  [[[]]],
  { $ne: null },
  "a".repeat(5_000),
  Array(300).fill("x"),
]

/** A value of this schema, most of the time. */
function makeValue(schema: Schema, random: Random, depth = 0): unknown {
  if (random.chance(0.12) || depth > 4) return random.pick(junk)
  const variants = schema.anyOf ?? schema.oneOf
  if (variants) return makeValue(random.pick(variants), random, depth + 1)
  if (schema.allOf) return makeValue(schema.allOf[0]!, random, depth + 1)
  if ("const" in schema) return schema.const
  if (schema.enum) return random.pick(schema.enum)
  const type = Array.isArray(schema.type) ? random.pick(schema.type) : schema.type
  switch (type) {
    case "string":
      return random.pick(["Text", "https://93.184.216.34/", "a@example.com", ...metacharacters])
    case "integer":
    case "number":
      return random.pick([1, 7, schema.minimum ?? 0, schema.maximum ?? 100, -5, 2_147_483_648])
    case "boolean":
      return random.chance(0.5)
    case "array":
      return Array.from({ length: random.int(3) }, () =>
        makeValue(schema.items ?? {}, random, depth + 1),
      )
    case "object": {
      const entries = Object.entries(schema.properties ?? {})
      const kept = entries.filter(() => random.chance(0.75))
      const made = kept.map(([name, each]) => [name, makeValue(each, random, depth + 1)])
      return Object.fromEntries(random.chance(0.1) ? [...made, ["tenantId", "ten_x"]] : made)
    }
    default:
      return random.pick(junk)
  }
}

const wellFormed = (value: unknown) => encodeURIComponent(String(value ?? "").toWellFormed())

function makePath(
  { path, operation, method }: Described,
  world: World,
  value: (parameter: Parameter) => unknown,
): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const parameter = operation.parameters.find((each) => each.name === name)!
    const given = value(parameter)
    // Nothing that the others need is deleted or given another secret.
    const isSpared = method === "DELETE" || path.endsWith("/rotate")
    const chosen = given === undefined && !isSpared ? world.ids[name] : given
    // An empty part of a path is taken out: that is another operation.
    return wellFormed(chosen) || "none"
  })
  const query = operation.parameters
    .filter((parameter) => parameter.in === "query")
    .map((parameter) => [parameter.name, value(parameter)] as const)
    .filter(([, given]) => given !== undefined)
    .map(([name, given]) => `${name}=${wellFormed(given)}`)
  return query.length > 0 ? `${filled}?${query.join("&")}` : filled
}

type Answer = Awaited<ReturnType<typeof call>>

/** No 5xx, the status that is described, and a body of the described kind; 502 and 504 speak of a stranger. */
function findBreach({ operation, method, path }: Described, answer: Answer): string | null {
  const { status, headers, text } = answer
  const type = headers.get("content-type") ?? ""
  const what = `${method} ${path} → ${status} ${type} ${text.slice(0, 200)}`
  if (status >= 500) return what
  if (/node_modules|prisma|SQLSTATE|\bat \S+ \(/i.test(text)) return `inner words: ${what}`
  if (status >= 400) return type.startsWith("application/problem+json") ? null : `type: ${what}`
  if (!(String(status) in operation.responses)) return `not described: ${what}`
  if (status === 204) return text === "" ? null : `a body: ${what}`
  return type.startsWith("application/json") ? null : `type: ${what}`
}

async function inParallel(count: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0
  const run = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: 6 }, run))
}

test("every described operation refuses who has no key, and a key of somebody else's finds nothing", async ({
  deployment,
  world,
}) => {
  for (const described of world.operations) {
    const path = makePath(described, world, () => undefined)
    const send = (headers: Record<string, string>) =>
      call(deployment, path, {
        method: described.method,
        headers: { ...headers, ...(described.body ? { "content-type": "application/json" } : {}) },
        ...(described.body ? { body: "{}" } : {}),
        ip: newAddress(),
      })
    for (const authorization of ["", "Bearer sk_live_nothing", "Basic Og=="])
      expect([described.method, path, (await send({ authorization })).status]).toEqual([
        described.method,
        path,
        401,
      ])
    if (!path.includes(world.ids.bot!) && !described.path.includes("{")) continue
    const foreign = await send({ authorization: `Bearer ${world.other.secretKey}` })
    expect([described.method, path, [404, 415, 422].includes(foreign.status)]).toEqual([
      described.method,
      path,
      true,
    ])
  }
})

test("nothing made from the API's own description is answered with a 5xx, or with what is not described", async ({
  deployment,
  world,
}) => {
  const count = rounds(1_500, 100_000)
  test.setTimeout(isLong ? 3 * 3_600_000 : 180_000)
  const seed = Number(process.env.FUZZ_SEED ?? 20_261_120)
  const random = randomFrom(seed)
  const breaches: string[] = []
  const statuses = new Map<number, number>()
  await inParallel(count, async () => {
    const described = random.pick(world.operations)
    const path = makePath(described, world, (parameter) => {
      if (parameter.in === "path") return random.chance(0.75) ? undefined : random.pick(junk)
      return random.chance(0.5) ? undefined : makeValue(parameter.schema, random)
    })
    const body = described.body && JSON.stringify(makeValue(described.body, random))
    const answer = await call(deployment, path, {
      method: described.method,
      headers: {
        authorization: `Bearer ${world.shop.secretKey}`,
        ...(body ? { "content-type": "application/json" } : {}),
      },
      ...(body ? { body } : {}),
      ip: newAddress(),
      process: random.int(1),
    })
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
    const breach = findBreach(described, answer)
    if (breach) breaches.push(`${breach} with ${body?.slice(0, 300)}`)
  })
  const seen = [...statuses].sort(([a], [b]) => a - b).map(([status, n]) => `${status}: ${n}`)
  console.log(`fuzz: ${count} requests from seed ${seed}; ${seen.join(", ")}`)
  expect(breaches.slice(0, 5)).toEqual([])
  // Otherwise a rate answered instead of the routes. Those that call other servers have tight ones.
  expect(statuses.get(429) ?? 0).toBeLessThan(count / 20)
  expect(statuses.get(200) ?? 0).toBeGreaterThan(count / 20)
})

test("what was deleted is gone for every later request", async ({ deployment, world }) => {
  const { shop } = world
  const bot = `/v1/bots/${shop.botId}`
  const made: [string, string][] = []
  const make = async (path: string, body: object, at: (id: string) => string) => {
    const { body: answer } = await shop.api<{ id: string }>(path, { body })
    made.push([at(answer.id), answer.id])
  }
  await make(
    `${bot}/tools`,
    { name: "gone", description: "x", url: "https://93.184.216.34/" },
    (id) => `/v1/tools/${id}`,
  )
  await make(`${bot}/embed-keys`, { mode: "test" }, (id) => `/v1/embed-keys/${id}`)
  await make(`${bot}/sources`, { title: "x", text: "x" }, (id) => `/v1/sources/${id}`)
  await make("/v1/bots", { name: "x" }, (id) => `/v1/bots/${id}`)
  for (const [path] of made) {
    expect([path, (await shop.api(path)).status]).toEqual([path, 200])
    expect([path, (await shop.api(path, { method: "DELETE" })).status]).toEqual([path, 204])
    for (const method of ["GET", "DELETE", "PATCH"]) {
      const patch = method === "PATCH" ? { body: {} } : {}
      const answer = await call(deployment, path, {
        method,
        headers: { authorization: `Bearer ${shop.secretKey}` },
        process: 1,
        ...patch,
      })
      expect([method, path, answer.status]).toEqual([method, path, 404])
    }
  }
})

/** Where a string may stand in a body: paths of names. */
function listStrings(schema: Schema, at: string[] = []): string[][] {
  const variants = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]
  const isText = [schema.type].flat().includes("string")
  return [
    ...(isText ? [at] : []),
    ...variants.flatMap((each) => listStrings(each, at)),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, each]) =>
      listStrings(each, [...at, name]),
    ),
    ...(schema.items ? listStrings(schema.items, [...at, "0"]) : []),
  ]
}

function putAt(at: string[], value: string): unknown {
  const [name, ...rest] = at
  if (name === undefined) return value
  const inner = putAt(rest, value)
  return name === "0" ? [inner] : { [name]: inner }
}

test("I12 metacharacters in every string of every operation are data: never a 5xx, never slow", async ({
  deployment,
  world,
}) => {
  test.setTimeout(isLong ? 1_800_000 : 240_000)
  const patterns = isLong ? metacharacters : metacharacters.filter((_, i) => i % 3 === 0)
  const shots: { described: Described; path: string; body: string | null }[] = []
  for (const described of world.operations) {
    const valid = makePath(described, world, () => undefined)
    const spots = [
      ...new Set((described.body ? listStrings(described.body) : []).map((at) => at.join("."))),
    ]
    const long = (pattern: string) =>
      pattern.repeat(Math.ceil(50_000 / pattern.length)).slice(0, 50_000)
    for (const pattern of patterns) {
      for (const text of [pattern, long(pattern)]) {
        for (const spot of spots) {
          const body = JSON.stringify(putAt(spot.split("."), text))
          // Escaped, some of them are larger than any body may be: 413 is another test's.
          if (body.length < 64 * 1024) shots.push({ described, path: valid, body })
        }
      }
      for (const parameter of described.operation.parameters) {
        const path = makePath(described, world, (each) =>
          each === parameter ? pattern : undefined,
        )
        shots.push({ described, path, body: described.body ? "{}" : null })
      }
    }
  }
  const send = async ({ described, path, body }: (typeof shots)[number]) => {
    const startedAt = performance.now()
    const answer = await call(deployment, path, {
      method: described.method,
      headers: {
        authorization: `Bearer ${world.shop.secretKey}`,
        ...(body ? { "content-type": "application/json" } : {}),
      },
      ...(body ? { body } : {}),
      ip: newAddress(),
    })
    return { answer, ms: performance.now() - startedAt }
  }
  const breaches: string[] = []
  let slowest = 0
  for (const shot of shots) {
    let { answer, ms } = await send(shot)
    // A machine that is busy with something else is no finding: the best of five counts.
    for (let i = 0; i < 4 && ms > 200; i++) {
      const again = await send(shot)
      if (again.ms < ms) ({ answer, ms } = again)
    }
    slowest = Math.max(slowest, ms)
    const breach = findBreach(shot.described, answer)
    const what = `${shot.described.method} ${shot.path.slice(0, 120)} ${shot.body?.slice(0, 120)}`
    if (breach) breaches.push(`${breach} ${what}`)
    if (ms > 200) breaches.push(`${Math.round(ms)} ms: ${what}`)
  }
  console.log(`I12: ${shots.length} requests, slowest ${slowest.toFixed(0)} ms`)
  expect(breaches.slice(0, 8)).toEqual([])
})
