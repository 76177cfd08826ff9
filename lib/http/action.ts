import { randomUUID } from "node:crypto"
import { headers } from "next/headers"
import type { z } from "zod"
import { readSignInId, requireMembership, requireRecentPassword } from "#lib/auth/members.ts"
import { env } from "#lib/env.ts"
import { fail, type Issue } from "#lib/errors.ts"
import { clientIp } from "#lib/limits/client-ip.ts"
import { guardFlood, type TenantRateName, takeRates } from "#lib/limits/rates.ts"
import { log } from "#lib/log.ts"
import { allow, type Permission } from "#lib/tenancy/permissions.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { toStorable } from "#lib/text.ts"
import { parseInput, toFailure } from "./problems.ts"

// Server actions take the same steps as routes: per-IP limit → Origin → authenticate → caller's limit →
// permission → parse → recent password → handle. They never throw: a form shows the problem and keeps what was typed.

export type Problem = { code: string; title: string; detail: string; issues?: Issue[] }
export type Result<T> = { ok: true; data: T } | { ok: false; problem: Problem }

type Incoming = { cookie: string | null; ip: string }

async function run<T>(work: (incoming: Incoming) => Promise<T>): Promise<Result<T>> {
  const requestId = randomUUID()
  try {
    const incoming = await headers()
    const ip = clientIp(incoming)
    guardFlood(ip)
    // Next lets an action without an Origin through; a browser always sends one with a POST.
    if (incoming.get("origin") !== env.APP_URL) throw fail("forbidden")
    return { ok: true, data: await work({ cookie: incoming.get("cookie"), ip }) }
  } catch (error) {
    const { code, title, detail, issues, status } = toFailure(error, requestId)
    log.info({ requestId, code, status }, "action refused")
    return { ok: false, problem: { code, title, detail, ...(issues ? { issues } : {}) } }
  }
}

/** An action of a signed-in member; called as `action(tenantId, input)`. */
export function memberAction<Input extends z.ZodType, T>(options: {
  permission: Permission
  /** A rate of this action's own for the tenant, beside its caller's. */
  rate?: TenantRateName
  /** For what makes or takes a secret: a password given long ago is asked for again. */
  needsRecentPassword?: boolean
  input: Input
  handle: (context: { scope: TenantScope; input: z.output<Input> }) => Promise<T>
}): (tenantId: string, input: z.input<Input>) => Promise<Result<T>> {
  return (tenantId, input) =>
    run(async ({ cookie, ip }) => {
      const named = typeof tenantId === "string" ? tenantId : undefined
      const { scope, signInId } = await requireMembership(cookie, named, ip)
      await takeRates([
        { rate: "console.user", subject: scope.actor.id },
        ...(options.rate ? [{ rate: options.rate, subject: scope.tenantId }] : []),
      ])
      allow(scope, options.permission)
      const parsed = parseInput(options.input, cleanInput(input))
      if (options.needsRecentPassword) await requireRecentPassword(signInId)
      return options.handle({ scope, input: parsed })
    })
}

/** An action of whoever is signed in, about themselves and no tenant. */
export function userAction<Input extends z.ZodType, T>(options: {
  input: Input
  handle: (context: { signInId: string; ip: string; input: z.output<Input> }) => Promise<T>
}): (input: z.input<Input>) => Promise<Result<T>> {
  return (input) =>
    run(async ({ cookie, ip }) => {
      const signInId = await readSignInId(cookie)
      if (!signInId) throw fail("unauthorized")
      return options.handle({ signInId, ip, input: parseInput(options.input, cleanInput(input)) })
    })
}

/** An action anyone may call, such as signing up. */
export function publicAction<Input extends z.ZodType, T>(options: {
  input: Input
  handle: (context: { input: z.output<Input>; ip: string }) => Promise<T>
}): (input: z.input<Input>) => Promise<Result<T>> {
  return (input) =>
    run(({ ip }) => options.handle({ input: parseInput(options.input, cleanInput(input)), ip }))
}

/** Action input arrives past readJson: the same cleaning of every string in it. */
function cleanInput(input: unknown): unknown {
  if (typeof input === "string") return toStorable(input)
  if (Array.isArray(input)) return input.map(cleanInput)
  if (input === null || typeof input !== "object") return input
  return Object.fromEntries(Object.entries(input).map(([key, value]) => [key, cleanInput(value)]))
}
