import { fail } from "#lib/errors.ts"
import { log } from "#lib/log.ts"
import { callDefiner } from "#lib/tenancy/database.ts"
import type { RatePlan, RateRow } from "./rate-plan.ts"
import { hasRedis, takeFromRedis } from "./redis-rates.ts"

// Guarantees: a rate is taken atomically from all its buckets or from none, exactly, across processes.
// When the store is away a reduced limit in this process stands in: never none.

const minute = 60_000
const hour = 60 * minute

/** Every rate, its window and its default. The only table of rates. */
export const rates = {
  // Taken before a credential is known, on every route: a flood guard, not a quota.
  "request.ip": { limit: 6_000, windowMs: minute },
  "ticket.ip": { limit: 10, windowMs: minute },
  "ticket.key": { limit: 600, windowMs: minute },
  "botCheck.ticket": { limit: 3, windowMs: minute },
  "chat.ip": { limit: 20, windowMs: minute },
  "chat.session": { limit: 20, windowMs: minute },
  "chat.origin": { limit: 600, windowMs: minute },
  "lead.ip": { limit: 5, windowMs: minute },
  // A share of the key's day, so that one address does not shut the form for everyone.
  "lead.ipDay": { limit: 10, windowMs: 24 * hour },
  // A day of a key: a program that leaves details all day fills no inbox.
  "lead.key": { limit: 200, windowMs: 24 * hour },
  "api.tenant": { limit: 600, windowMs: minute },
  "operatorFailure.ip": { limit: 10, windowMs: minute },
  "console.user": { limit: 600, windowMs: minute },
  "upload.tenant": { limit: 60, windowMs: minute },
  // Each makes us call an address of the owner's.
  "toolTest.tenant": { limit: 30, windowMs: minute },
  // What costs more than a read has its own, beside its caller's.
  "crawl.tenant": { limit: 60, windowMs: minute },
  "search.tenant": { limit: 240, windowMs: minute },
  "trial.tenant": { limit: 60, windowMs: minute },
  "export.tenant": { limit: 60, windowMs: minute },
  // Tight from one address, wide for the account: a stranger cannot lock its owner out with a few tries.
  "signIn.accountFrom": { limit: 10, windowMs: 15 * minute },
  "signIn.account": { limit: 100, windowMs: 15 * minute },
  "signIn.device": { limit: 10, windowMs: 15 * minute },
  "modelTest.tenant": { limit: 10, windowMs: minute },
  "password.user": { limit: 10, windowMs: 15 * minute },
  "signIn.ip": { limit: 30, windowMs: 15 * minute },
  "signUp.ip": { limit: 10, windowMs: hour },
} as const

export type RateName = keyof typeof rates
export type TenantRateName = Extract<RateName, `${string}.tenant`>

/** One bucket: a rate's name, whose it is, and the owner's own figure where there is one. */
export type RateTake = { rate: RateName; subject: string; limit?: number | undefined }

export type RateState = {
  limit: number
  remaining: number
  resetSeconds: number
  windowSeconds: number
}

/**
 * Takes one from each bucket, or throws `rate_limited` with Retry-After and RateLimit headers and takes
 * from none. Returns the tightest bucket's state.
 */
export async function takeRates(takes: RateTake[]): Promise<RateState> {
  const plans = takes.map((take) => ({
    bucket: `${take.rate}:${take.subject}`,
    limit: take.limit ?? rates[take.rate].limit,
    windowMs: rates[take.rate].windowMs,
  }))
  let rows: RateRow[]
  try {
    rows = await (hasRedis() ? takeFromRedis(plans) : takeFromPostgres(plans))
  } catch (error) {
    shared.coatcheckRateFallbacks = countRateFallbacks() + 1
    reportAway(error as Error)
    rows = plans.map(takeLocally)
  }
  const states = rows.map((row) => {
    const plan = plans.find((p) => p.bucket === row.bucket)!
    return { row, plan }
  })
  const refused = states
    .filter((s) => !s.row.is_allowed)
    .sort((a, b) => b.row.retry_ms - a.row.retry_ms)[0]
  if (refused) throw tooMany(refused.plan, refused.row.retry_ms)
  const tightest = states.sort((a, b) => a.row.remaining - b.row.remaining)[0]!
  const resetSeconds = Math.ceil(tightest.plan.windowMs / 1000)
  return toState(tightest.plan, tightest.row.remaining, resetSeconds)
}

function takeFromPostgres(plans: RatePlan[]): Promise<RateRow[]> {
  return callDefiner<RateRow>("take_rates", "select * from limits.take($1, $2, $3)", [
    plans.map((plan) => plan.bucket),
    plans.map((plan) => plan.limit),
    plans.map((plan) => plan.windowMs),
  ])
}

function tooMany(plan: { limit: number; windowMs: number }, retryMs: number) {
  const retryAfterSeconds = Math.max(1, Math.ceil(retryMs / 1000))
  return fail("rate_limited", {
    detail: `Too many requests. Try again in ${retryAfterSeconds} s.`,
    headers: {
      "retry-after": String(retryAfterSeconds),
      ...rateHeaders(toState(plan, 0, retryAfterSeconds)),
    },
  })
}

function toState(
  plan: { limit: number; windowMs: number },
  remaining: number,
  resetSeconds: number,
) {
  return { limit: plan.limit, remaining, resetSeconds, windowSeconds: plan.windowMs / 1000 }
}

/**
 * `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10), on answers and refusals alike:
 * what is left of the tightest bucket, and when all of it is back.
 */
export function rateHeaders(state: RateState): Record<string, string> {
  return {
    ratelimit: `"default";r=${state.remaining};t=${state.resetSeconds}`,
    "ratelimit-policy": `"default";q=${state.limit};w=${state.windowSeconds}`,
  }
}

/** The same for a refusal that is no rate: a day's count, or how many answers may be written at once. */
export function limitHeaders(limit: {
  /** Over how long it counts; without it, how many at once. */
  windowSeconds?: number
  limit: number
  retryAfterSeconds: number
}): Record<string, string> {
  const unit = limit.windowSeconds ? `w=${limit.windowSeconds}` : 'qu="concurrent-requests"'
  return {
    "retry-after": String(limit.retryAfterSeconds),
    ratelimit: `"default";r=0;t=${limit.retryAfterSeconds}`,
    "ratelimit-policy": `"default";q=${limit.limit};${unit}`,
  }
}

/**
 * The flood guard in front of every route, before a credential or a body is read: counted in this process, so
 * that a flood costs no query. The exact limits stand behind it. Returns its state; throws `rate_limited`.
 */
export function guardFlood(ip: string): RateState {
  const { limit, windowMs } = rates["request.ip"]
  const row = countLocally({ bucket: `request.ip:${ip}`, limit, windowMs })
  if (!row.is_allowed) throw tooMany({ limit, windowMs }, row.retry_ms)
  return toState({ limit, windowMs }, row.remaining, Math.ceil(windowMs / 1000))
}

const shared = globalThis as typeof globalThis & { coatcheckRateFallbacks?: number }

/** How often this process counted by itself because the store was away, for metrics. */
export function countRateFallbacks(): number {
  return shared.coatcheckRateFallbacks ?? 0
}

let reportedAt = 0

/** One line every ten seconds: a store that is away is away for every request. */
function reportAway(error: Error): void {
  if (Date.now() - reportedAt < 10_000) return
  reportedAt = Date.now()
  log.warn({ code: "rate_store_away", reason: error.message }, "rates fall back to this process")
}

const local = new Map<string, { windowStart: number; used: number }>()

/** A quarter of the limit, in this process alone. */
function takeLocally(plan: RatePlan): RateRow {
  return countLocally({ ...plan, limit: Math.max(1, Math.floor(plan.limit / 4)) })
}

/** Fixed windows in memory: crude on purpose, and never unlimited. */
function countLocally({ bucket, limit, windowMs }: RatePlan): RateRow {
  const now = Date.now()
  const windowStart = now - (now % windowMs)
  if (local.size > 50_000) local.clear()
  const entry = local.get(bucket)
  const used = entry?.windowStart === windowStart ? entry.used : 0
  const isAllowed = used < limit
  if (isAllowed) local.set(bucket, { windowStart, used: used + 1 })
  return {
    bucket,
    is_allowed: isAllowed,
    remaining: Math.max(0, limit - used - 1),
    retry_ms: isAllowed ? 0 : windowStart + windowMs - now,
  }
}
