import { redeemTicket } from "#lib/admission/sessions.ts"
import { sellTicket } from "#lib/admission/tickets.ts"
import { createTenantWithOwner } from "#lib/auth/commands.ts"
import { hashPassword } from "#lib/auth/password.ts"
import { createBot, updateBot } from "#lib/bots/commands.ts"
import type { BotView, CreateBotInput } from "#lib/bots/schema.ts"
import { beginTurn } from "#lib/conversations/turn.ts"
import { chatStreamResponse } from "#lib/http/chat-stream.ts"
import { createApiKey } from "#lib/keys/api-keys.ts"
import { createEmbedKey, updateEmbedKey } from "#lib/keys/commands.ts"
import { getEmbedKey } from "#lib/keys/queries.ts"
import type { CreateEmbedKeyInput, EmbedKeyView } from "#lib/keys/schema.ts"
import { addQuestionSource, addTextSource } from "#lib/knowledge/add-sources.ts"
import { ingestSource } from "#lib/knowledge/ingest.ts"
import type { SourceView } from "#lib/knowledge/schema.ts"
import { effectiveLimits } from "#lib/limits/schema.ts"
import { checkHeld } from "#lib/quality/held.ts"
import { newSecret } from "#lib/secrets.ts"
import type { Role } from "#lib/tenancy/permissions.ts"
import { scopeFromMember, type TenantScope, type VisitorScope } from "#lib/tenancy/scope.ts"
import { createTool } from "#lib/tools/commands.ts"
import type { CreateToolInput, ToolView } from "#lib/tools/schema.ts"

// The one place that makes data: the seed, the tests and the browser story all come here. Everything goes
// through the product's own commands, so made data is as real as any.

export type MadeTenant = {
  tenantId: string
  /** The bot that signing up creates. */
  botId: string
  userId: string
  email: string
  password: string
  scope: TenantScope
}

/** A tenant with its owner, as a sign-up makes it. */
export async function makeTenant(
  input: { name?: string; email?: string; password?: string } = {},
): Promise<MadeTenant> {
  const suffix = newSecret(4)
  const name = input.name ?? `Tenant ${suffix}`
  const email = input.email ?? `owner-${suffix}@example.com`
  const password = input.password ?? `password-${suffix}`
  const passwordHash = await hashPassword(password)
  const made = await createTenantWithOwner({ name, email, passwordHash, isSelfRegistered: true })
  return { ...made, email, password, scope: scopeAs(made, "owner") }
}

/** The scope a member of this role holds. */
export function scopeAs(tenant: { tenantId: string; userId: string }, role: Role): TenantScope {
  return scopeFromMember({ tenantId: tenant.tenantId, userId: tenant.userId, label: role, role })
}

/** A published bot. */
export async function makeBot(
  scope: TenantScope,
  input: Partial<CreateBotInput> = {},
): Promise<BotView> {
  const bot = await createBot(scope, { name: `Bot ${newSecret(3)}`, ...input })
  return updateBot(scope, bot.id, { published: true })
}

/** A pasted text, read and searchable when this returns. */
export async function makeTextSource(
  scope: TenantScope,
  botId: string,
  input: { title: string; text: string },
): Promise<SourceView> {
  const source = await addTextSource(scope, botId, input)
  if ((await ingestSource(source.id)) === "checking") await checkHeld(scope, botId)
  return source
}

/** A question with its answer, searchable when this returns. */
export async function makeQuestionSource(
  scope: TenantScope,
  botId: string,
  input: { question: string; answer: string },
): Promise<SourceView> {
  const source = await addQuestionSource(scope, botId, input)
  if ((await ingestSource(source.id)) === "checking") await checkHeld(scope, botId)
  return source
}

export const shopOrigin = "https://shop.example.com"

/** A live key for one website. */
export async function makeEmbedKey(
  scope: TenantScope,
  botId: string,
  input: Partial<CreateEmbedKeyInput> = {},
): Promise<EmbedKeyView> {
  return createEmbedKey(scope, botId, { mode: "live", allowedOrigins: [shopOrigin], ...input })
}

/** A tool that only reads, unless `input` says otherwise. */
export async function makeTool(
  scope: TenantScope,
  botId: string,
  input: CreateToolInput,
): Promise<ToolView> {
  return createTool(scope, botId, input)
}

/** A tool that writes, allowed on one key. Its address is public and needs no DNS. */
export async function makeWriteTool(
  scope: TenantScope,
  botId: string,
  keyId: string,
  input: Partial<CreateToolInput> = {},
): Promise<ToolView> {
  const tool = await createTool(scope, botId, {
    name: `cancel_${newSecret(3)}`,
    description: "Cancels an order.",
    method: "POST",
    url: "https://93.184.216.34/orders/cancel",
    parameters: { properties: { order: { type: "string" } }, required: ["order"] },
    headers: { authorization: `Bearer ${newSecret()}` },
    ...input,
  })
  const { tools } = await getEmbedKey(scope, keyId)
  await updateEmbedKey(scope, keyId, { tools: [...tools, tool.id] })
  return tool
}

export async function makeApiKey(scope: TenantScope): Promise<string> {
  return (await createApiKey(scope, { name: `Key ${newSecret(3)}` })).secret
}

export type MadeVisitor = {
  token: string
  sessionId: string
  visitorSecret: string
  scope: VisitorScope
}

/** A visitor who came in through the counter: ticket, then session. */
export async function makeVisitor(
  key: string,
  input: { origin?: string; ip?: string; visitorSecret?: string } = {},
): Promise<MadeVisitor> {
  const ip = input.ip ?? `198.51.100.${1 + Math.floor(Math.random() * 250)}`
  const { ticket } = await sellTicket({ key, origin: input.origin ?? shopOrigin, ip })
  const opened = await redeemTicket(
    { ticket, ...(input.visitorSecret ? { visitorSecret: input.visitorSecret } : {}) },
    { ip, userAgent: null, origin: null },
  )
  const { token, sessionId, visitorSecret, scope } = opened
  return { token, sessionId, visitorSecret, scope }
}

/** Asks through the product's own path, from storing the question to the end of the answer's stream. */
export async function makeQuestion(visitor: MadeVisitor, message: string): Promise<void> {
  const limits = effectiveLimits("live", {})
  const turn = await beginTurn(visitor.scope, { message }, limits)
  const { signal } = new AbortController()
  await chatStreamResponse(visitor.scope, turn, { limits, signal, free: async () => {} }).text()
}
