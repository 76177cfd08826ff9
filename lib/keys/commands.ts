import { record } from "#lib/audit/record.ts"
import { requireBot } from "#lib/bots/queries.ts"
import { fail, type Issue } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import type { KeyLimits } from "#lib/limits/schema.ts"
import { readDatabaseTime, type Tx, withTenant } from "#lib/tenancy/database.ts"
import { allow } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { newEmbedKey } from "./embed-key.ts"
import { type KeyMode, parseOriginPattern } from "./origin.ts"
import { lockEmbedKey, toEmbedKeyViews } from "./queries.ts"
import type {
  CreateEmbedKeyInput,
  EmbedKeyView,
  RotateInput,
  UpdateEmbedKeyInput,
} from "./schema.ts"

/** Canonical, de-duplicated patterns; throws `invalid` with one issue for each line that cannot be allowed. */
function readOrigins(inputs: string[], mode: KeyMode): string[] {
  const issues: Issue[] = []
  const patterns = inputs.flatMap((input, index) => {
    const parsed = parseOriginPattern(input, mode)
    if ("pattern" in parsed) return [parsed.pattern]
    issues.push({ path: `allowedOrigins.${index}`, message: parsed.problem })
    return []
  })
  if (issues.length > 0) throw fail("invalid", { detail: issues[0]!.message, issues })
  return [...new Set(patterns)]
}

/** Creates a key that opens `botId` (and the other bots named) from the websites given. */
export async function createEmbedKey(
  scope: TenantScope,
  botId: string,
  input: CreateEmbedKeyInput,
): Promise<EmbedKeyView> {
  allow(scope, "keys.write")
  const mode = input.mode ?? "live"
  const patterns = readOrigins(input.allowedOrigins ?? [], mode)
  return withTenant(scope, async (tx) => {
    const bot = await requireBot(tx, botId)
    const botIds = [...new Set([botId, ...(input.botIds ?? [])])]
    const { keyId, random } = newEmbedKey()
    const row = await tx.embedKey.create({
      data: {
        id: keyId,
        tenantId: scope.tenantId,
        name: input.name ?? `${bot.name} ${mode === "test" ? "(test)" : ""}`.trim(),
        mode,
        random,
        limits: definedLimits(input.limits),
        botCheck: input.botCheck ?? "off",
      },
    })
    await linkBots(tx, scope, keyId, botIds)
    await addOrigins(tx, scope, keyId, patterns)
    await record(tx, scope, {
      action: "embedKey.created",
      target: keyId,
      after: { name: row.name, mode, botIds, allowedOrigins: patterns },
    })
    const [view] = await toEmbedKeyViews(tx, [row])
    return view!
  })
}

/**
 * Changes what `input` names and nothing else. Switching off, or taking a website or bot away, kills the
 * passes bought with it on their next request; switching on again does not bring them back.
 */
export async function updateEmbedKey(
  scope: TenantScope,
  keyId: string,
  input: UpdateEmbedKeyInput,
): Promise<EmbedKeyView> {
  allow(scope, "keys.write")
  return withTenant(scope, async (tx) => {
    const row = await lockEmbedKey(tx, keyId)
    const [before] = await toEmbedKeyViews(tx, [row])
    if (input.allowedOrigins) {
      await replaceOrigins(tx, scope, keyId, readOrigins(input.allowedOrigins, before!.mode))
    }
    if (input.botIds) await replaceBots(tx, scope, keyId, input.botIds)
    if (input.tools) await replaceTools(tx, scope, keyId, input.tools)
    const updated = await tx.embedKey.update({
      where: { id: keyId },
      data: {
        ...(input.name === undefined ? {} : { name: input.name }),
        ...(input.status === undefined ? {} : { status: input.status }),
        ...(input.botCheck === undefined
          ? {}
          : {
              // The owner's own word ends what rose by itself.
              botCheck: input.botCheck,
              botCheckRaisedUntil: null,
            }),
        ...(input.limits === undefined
          ? {}
          : { limits: { ...(row.limits as object), ...definedLimits(input.limits) } }),
      },
    })
    const [after] = await toEmbedKeyViews(tx, [updated])
    const changed = (Object.keys(input) as (keyof UpdateEmbedKeyInput)[]).filter(
      (k) => input[k] !== undefined,
    )
    await record(tx, scope, {
      action:
        input.status && input.status !== before!.status
          ? input.status === "active"
            ? "embedKey.switchedOn"
            : "embedKey.switchedOff"
          : "embedKey.changed",
      target: keyId,
      before: Object.fromEntries(changed.map((k) => [k, before![k]])),
      after: Object.fromEntries(changed.map((k) => [k, after![k]])),
    })
    return after!
  })
}

/**
 * Gives a key a new random part and keeps its id, limits and websites. The old line, and passes bought with
 * it, work for `overlapSeconds` more; with 0 they are dead on their next request.
 */
export async function rotateEmbedKey(
  scope: TenantScope,
  keyId: string,
  { overlapSeconds }: RotateInput,
): Promise<EmbedKeyView> {
  allow(scope, "keys.write")
  return withTenant(scope, async (tx) => {
    const row = await lockEmbedKey(tx, keyId)
    const hasOverlap = overlapSeconds > 0
    const updated = await tx.embedKey.update({
      where: { id: keyId },
      data: {
        random: newEmbedKey().random,
        version: row.version + 1,
        previousRandom: hasOverlap ? row.random : null,
        previousExpiresAt: hasOverlap ? await readDatabaseTime(tx, overlapSeconds) : null,
      },
    })
    await record(tx, scope, {
      action: "embedKey.rotated",
      target: keyId,
      after: { overlapSeconds },
    })
    const [view] = await toEmbedKeyViews(tx, [updated])
    return view!
  })
}

/** Deletes a key; conversations stay. */
export async function deleteEmbedKey(scope: TenantScope, keyId: string): Promise<void> {
  allow(scope, "keys.write")
  await withTenant(scope, async (tx) => {
    const row = await lockEmbedKey(tx, keyId)
    await tx.embedKey.delete({ where: { id: keyId } })
    await record(tx, scope, {
      action: "embedKey.deleted",
      target: keyId,
      before: { name: row.name },
    })
  })
}

function definedLimits(limits: Partial<KeyLimits> | undefined) {
  return Object.fromEntries(
    Object.entries(limits ?? {}).filter(([, v]) => v !== undefined),
  ) as Record<string, number>
}

async function linkBots(tx: Tx, scope: TenantScope, keyId: string, botIds: string[]) {
  for (const botId of botIds) await requireBot(tx, botId)
  await tx.embedKeyBot.createMany({
    data: botIds.map((botId, ordinal) => ({ tenantId: scope.tenantId, keyId, botId, ordinal })),
  })
}

async function replaceBots(tx: Tx, scope: TenantScope, keyId: string, botIds: string[]) {
  const wanted = [...new Set(botIds)]
  await tx.embedKeyBot.deleteMany({ where: { keyId, botId: { notIn: wanted } } })
  for (const [ordinal, botId] of wanted.entries()) {
    await requireBot(tx, botId)
    await tx.embedKeyBot.upsert({
      where: { tenantId_keyId_botId: { tenantId: scope.tenantId, keyId, botId } },
      create: { tenantId: scope.tenantId, keyId, botId, ordinal },
      update: { ordinal },
    })
  }
}

/** Allows these tools that write, of the key's own bots, and no other. */
async function replaceTools(tx: Tx, scope: TenantScope, keyId: string, toolIds: string[]) {
  const wanted = [...new Set(toolIds)]
  const tools = await tx.tool.findMany({ where: { id: { in: wanted } } })
  if (tools.length !== wanted.length) throw fail("not_found")
  const bots = await tx.embedKeyBot.findMany({ where: { keyId } })
  for (const { botId, isWrite } of tools)
    if (!isWrite || !bots.some((bot) => bot.botId === botId))
      throw fail("invalid", "A key can allow tools that write, of its own bots.")
  await tx.embedKeyTool.deleteMany({ where: { keyId, toolId: { notIn: wanted } } })
  await tx.embedKeyTool.createMany({
    data: tools.map(({ id: toolId, botId }) => ({
      tenantId: scope.tenantId,
      keyId,
      toolId,
      botId,
    })),
    skipDuplicates: true,
  })
}

async function addOrigins(tx: Tx, scope: TenantScope, keyId: string, patterns: string[]) {
  const now = Date.now()
  await tx.embedKeyOrigin.createMany({
    data: patterns.map((pattern, i) => ({
      id: newId("key"),
      tenantId: scope.tenantId,
      keyId,
      pattern,
      // A millisecond apart: the list stays in the order it was typed in.
      createdAt: new Date(now + i),
    })),
  })
}

/** Lines that stay keep their row: passes bought through them live on; removed ones are dead for good. */
async function replaceOrigins(tx: Tx, scope: TenantScope, keyId: string, patterns: string[]) {
  const current = await tx.embedKeyOrigin.findMany({ where: { keyId } })
  await tx.embedKeyOrigin.deleteMany({ where: { keyId, pattern: { notIn: patterns } } })
  const known = new Set(current.map((row) => row.pattern))
  await addOrigins(
    tx,
    scope,
    keyId,
    patterns.filter((pattern) => !known.has(pattern)),
  )
}
