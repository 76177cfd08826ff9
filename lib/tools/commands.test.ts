import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { createEmbedKey, updateEmbedKey } from "#lib/keys/commands.ts"
import { disconnect, withTenant } from "#lib/tenancy/database.ts"
import { decryptSecret } from "#lib/tenancy/encryption.ts"
import { type MadeTenant, makeBot, makeTenant, makeTool, scopeAs } from "#prisma/factories.ts"
import { createTool, deleteTool, updateTool } from "./commands.ts"
import { getTool, listTools } from "./queries.ts"
import { type CreateToolInput, maxToolsPerBot, toolView } from "./schema.ts"
import { toolSecretPlace } from "./sealed-headers.ts"

let tenant: MadeTenant
let stranger: MadeTenant
let botId: string
let count = 0

beforeAll(async () => {
  tenant = await makeTenant()
  stranger = await makeTenant()
  botId = (await makeBot(tenant.scope)).id
})
afterAll(disconnect)

const secret = "Bearer shop-secret-4711"
const input = (changes: Partial<CreateToolInput> = {}): CreateToolInput => {
  count += 1
  return {
    name: `tool_${count}`,
    description: "Looks something up.",
    url: "https://93.184.216.34/orders",
    headers: { authorization: secret },
    ...changes,
  }
}
const code = (expected: string) => expect.objectContaining({ code: expected })

describe("a header's value", () => {
  test("lies encrypted, and is in no view and no audit event", async () => {
    const tool = await makeTool(tenant.scope, botId, input())
    expect(toolView.parse(tool).headerNames).toEqual(["authorization"])
    const [row, events] = await withTenant(tenant.scope, async (tx) => [
      await tx.tool.findFirst({ where: { id: tool.id } }),
      await tx.auditEvent.findMany({}),
    ])
    for (const place of [row, tool, events, await listTools(tenant.scope, botId)])
      expect(JSON.stringify(place)).not.toContain("shop-secret")
    expect(JSON.parse(decryptSecret(tenant.scope, toolSecretPlace(tool.id), row!.secret!))).toEqual(
      {
        authorization: secret,
      },
    )
    expect(() => decryptSecret(stranger.scope, toolSecretPlace(tool.id), row!.secret!)).toThrow()
  })

  test("stays with its host: another one needs it again", async () => {
    const tool = await makeTool(tenant.scope, botId, input())
    const moved = { url: "https://93.184.216.35/orders" }
    await expect(updateTool(tenant.scope, tool.id, moved)).rejects.toEqual(code("invalid"))
    expect(await getTool(tenant.scope, tool.id)).toEqual(tool)
    await updateTool(tenant.scope, tool.id, { url: "https://93.184.216.34/other" })
    const headers = { "x-key": "new" }
    const view = await updateTool(tenant.scope, tool.id, { ...moved, headers })
    expect(view).toMatchObject({ ...moved, headerNames: ["x-key"] })
    expect((await updateTool(tenant.scope, tool.id, { headers: {} })).headerNames).toEqual([])
  })

  test.each([
    { Host: "127.0.0.1" },
    { cookie: "a=b" },
    { "X-Forwarded-For": "127.0.0.1" },
    { "content-length": "1" },
    { "x-a": "b\r\nx-c: d" },
    { "x a": "b" },
  ] as unknown as Record<string, string>[])("H07 is refused in %j", async (headers) => {
    const made = createTool(tenant.scope, botId, input({ headers }))
    await expect(made).rejects.toEqual(code("invalid"))
  })
})

describe("an address", () => {
  test.each([
    "https://127.0.0.1/",
    "https://localhost/{x}",
    "https://2130706433/",
    "https://169.254.169.254/latest",
    "https://[::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://10.0.0.1/",
    "https://93.184.216.34:8080/",
    "https://user:pw@93.184.216.34/",
    "http://93.184.216.34/",
    "ftp://93.184.216.34/",
  ])("H01 %s is refused when it is saved, made or changed", async (url) => {
    const parameters = { properties: { x: { type: "string" as const } }, required: ["x"] }
    const made = createTool(tenant.scope, botId, input({ url, parameters }))
    await expect(made).rejects.toEqual(code("url_not_allowed"))
    const tool = await makeTool(tenant.scope, botId, input({ headers: {}, parameters }))
    const changed = updateTool(tenant.scope, tool.id, { url })
    await expect(changed).rejects.toEqual(code("url_not_allowed"))
    await deleteTool(tenant.scope, tool.id)
  })

  test("keeps its values required, also when the values change alone", async () => {
    const url = "https://93.184.216.34/orders/{order}"
    const parameters = { properties: { order: { type: "string" as const } }, required: ["order"] }
    const tool = await makeTool(tenant.scope, botId, input({ url, parameters }))
    for (const broken of [{}, { ...parameters, required: [] }, { required: ["order"] }]) {
      const changed = updateTool(tenant.scope, tool.id, { parameters: broken })
      await expect(changed).rejects.toEqual(code("invalid"))
    }
  })
})

describe("who may", () => {
  test("everyone who works on bots; a viewer reads", async () => {
    const tool = await makeTool(tenant.scope, botId, input())
    const viewer = scopeAs(tenant, "viewer")
    expect((await getTool(viewer, tool.id)).id).toBe(tool.id)
    for (const refused of [
      () => createTool(viewer, botId, input()),
      () => updateTool(viewer, tool.id, { isEnabled: false }),
      () => deleteTool(viewer, tool.id),
    ])
      await expect(refused()).rejects.toEqual(code("forbidden"))
  })

  test("nobody of another tenant, and it looks like nothing is there", async () => {
    const tool = await makeTool(tenant.scope, botId, input())
    for (const refused of [
      () => createTool(stranger.scope, botId, input()),
      () => listTools(stranger.scope, botId),
      () => getTool(stranger.scope, tool.id),
      () => updateTool(stranger.scope, tool.id, { isEnabled: false }),
      () => deleteTool(stranger.scope, tool.id),
    ])
      await expect(refused()).rejects.toEqual(code("not_found"))
  })
})

describe("a key", () => {
  const write = { isWrite: true }

  test("allows tools that write, of its own bots, and loses them with the bot or the tool", async () => {
    const otherBot = (await makeBot(tenant.scope)).id
    const mine = await makeTool(tenant.scope, botId, input(write))
    const theirs = await makeTool(tenant.scope, otherBot, input(write))
    const key = await createEmbedKey(tenant.scope, botId, { mode: "test", botIds: [otherBot] })
    expect(key.tools).toEqual([])
    const set = (tools: string[]) => updateEmbedKey(tenant.scope, key.id, { tools })
    expect((await set([mine.id, theirs.id])).tools).toEqual([mine.id, theirs.id].sort())
    const fewer = await updateEmbedKey(tenant.scope, key.id, { botIds: [botId] })
    expect(fewer.tools).toEqual([mine.id])
    const back = await updateEmbedKey(tenant.scope, key.id, { botIds: [botId, otherBot] })
    expect(back.tools).toEqual([mine.id])
    await deleteTool(tenant.scope, mine.id)
    expect((await set([])).tools).toEqual([])
  })

  test("allows no tool of another bot or tenant, and none that only reads", async () => {
    const key = await createEmbedKey(tenant.scope, botId, { mode: "test" })
    const set = (tools: string[]) => updateEmbedKey(tenant.scope, key.id, { tools })
    const otherBot = (await makeBot(tenant.scope)).id
    const elsewhere = await makeTool(tenant.scope, otherBot, input(write))
    await expect(set([elsewhere.id])).rejects.toEqual(code("invalid"))
    const reads = await makeTool(tenant.scope, botId, input({ isWrite: false }))
    await expect(set([reads.id])).rejects.toEqual(code("invalid"))
    const foreignBot = (await makeBot(stranger.scope)).id
    const foreign = await makeTool(stranger.scope, foreignBot, input(write))
    await expect(set([foreign.id])).rejects.toEqual(code("not_found"))
  })
})

test("what is not said to be read-only writes, unless it is a GET", async () => {
  expect((await makeTool(tenant.scope, botId, input())).isWrite).toBe(false)
  expect((await makeTool(tenant.scope, botId, input({ method: "POST" }))).isWrite).toBe(true)
})

test("a bot has at most twenty tools, and no two of one name", async () => {
  const fullBot = (await makeBot(tenant.scope)).id
  for (let i = 0; i < maxToolsPerBot; i += 1)
    await makeTool(tenant.scope, fullBot, input({ name: `t${i}`, headers: {} }))
  await expect(createTool(tenant.scope, fullBot, input())).rejects.toEqual(code("invalid"))
  const [first, second] = await listTools(tenant.scope, fullBot)
  const twin = updateTool(tenant.scope, first!.id, { name: second!.name })
  await expect(twin).rejects.toEqual(code("invalid"))
})
