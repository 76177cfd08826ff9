import { createHash } from "node:crypto"
import { Ratelimit } from "@upstash/ratelimit"
import { Redis as UpstashRedis } from "@upstash/redis"
import { Redis } from "ioredis"
import { env } from "#lib/env.ts"
import type { RatePlan, RateRow } from "./rate-plan.ts"

// Guarantees: sliding windows in Redis through @upstash/ratelimit, over Upstash REST or any Redis server. A
// refused request costs nothing: what earlier buckets gave is put back. A Redis that does not answer within
// the deadline counts as away, and lib/limits/rates.ts decides what then.

/** Long enough that a busy process of ours is not taken for a Redis that is away. */
const deadlineMs = 1_000

type RatelimitRedis = ConstructorParameters<typeof Ratelimit>[0]["redis"]
type Store = { redis: RatelimitRedis; limiters: Map<string, Ratelimit>; close: () => void }

const shared = globalThis as typeof globalThis & { coatcheckRedis?: Store | null }

/** True when this deployment counts its rates in Redis. */
export function hasRedis(): boolean {
  return Boolean(env.REDIS_URL || (env.UPSTASH_REDIS_REST_URL && env.UPSTASH_REDIS_REST_TOKEN))
}

function store(): Store {
  shared.coatcheckRedis ??= connect()
  return shared.coatcheckRedis
}

function connect(): Store {
  const limiters = new Map<string, Ratelimit>()
  if (!env.REDIS_URL) {
    const redis = new UpstashRedis({
      url: env.UPSTASH_REDIS_REST_URL ?? "",
      token: env.UPSTASH_REDIS_REST_TOKEN ?? "",
    })
    return { redis, limiters, close: () => {} }
  }
  const client = new Redis(env.REDIS_URL, {
    // A request waits for a connection that is coming up, and not for one that is not: the deadline decides.
    maxRetriesPerRequest: 0,
    commandTimeout: deadlineMs,
    connectTimeout: 2_000,
    lazyConnect: false,
    retryStrategy: (attempt) => Math.min(attempt * 200, 2_000),
  })
  client.on("error", () => {})
  return { redis: adapt(client), limiters, close: () => client.disconnect() }
}

/**
 * The four commands @upstash/ratelimit needs, over ioredis. Its scripts open with a `#!lua flags=…` line
 * that stock Redis 7 rejects: it is taken off, and the script goes by the hash of what is left.
 */
function adapt(client: Redis): RatelimitRedis {
  const hashes = new Map<string, string>()
  const adapter = {
    async evalsha(hash: string, keys: string[], args: unknown[]) {
      return client.evalsha(hashes.get(hash) ?? hash, keys.length, ...keys, ...args.map(String))
    },
    async eval(script: string, keys: string[], args: unknown[]) {
      const plain = script.replace(/^#!lua[^\n]*\n/, "")
      hashes.set(sha1(script), sha1(plain))
      return client.eval(plain, keys.length, ...keys, ...args.map(String))
    },
    get: (key: string) => client.get(key),
    set: (key: string, value: unknown) => client.set(key, String(value)),
  }
  return adapter as unknown as RatelimitRedis
}

const sha1 = (text: string) => createHash("sha1").update(text).digest("hex")

function limiterFor({ limit, windowMs }: RatePlan): Ratelimit {
  const { redis, limiters } = store()
  const name = `${limit}:${windowMs}`
  const known = limiters.get(name)
  if (known) return known
  const fresh = new Ratelimit({
    redis,
    limiter: Ratelimit.slidingWindow(Math.max(1, limit), `${windowMs} ms`),
    prefix: "coatcheck",
    ephemeralCache: false,
    // Its own time-out lets requests through; ours falls back to a reduced limit.
    timeout: 0,
  })
  // Owners choose figures freely: a bounded number of combinations is kept.
  if (limiters.size > 1_000) limiters.clear()
  limiters.set(name, fresh)
  return fresh
}

/** Takes one from each bucket or from none; throws when Redis is away. */
export async function takeFromRedis(plans: RatePlan[]): Promise<RateRow[]> {
  const deadline = AbortSignal.timeout(deadlineMs)
  const late = new Promise<never>((_, reject) => {
    deadline.addEventListener("abort", () => reject(new Error("Redis did not answer in time")), {
      once: true,
    })
  })
  return Promise.race([takeAll(plans), late])
}

async function takeAll(plans: RatePlan[]): Promise<RateRow[]> {
  const rows: RateRow[] = []
  for (const plan of plans) {
    const isOpen = plan.limit > 0
    const answer = isOpen ? await limiterFor(plan).limit(plan.bucket) : null
    const isAllowed = answer?.success === true
    rows.push({
      bucket: plan.bucket,
      is_allowed: isAllowed,
      remaining: Math.max(0, answer?.remaining ?? 0),
      retry_ms: isAllowed
        ? 0
        : Math.max(1, (answer?.reset ?? Date.now() + plan.windowMs) - Date.now()),
    })
    if (isAllowed) continue
    const given = plans.slice(0, rows.length - 1)
    await Promise.all(
      given.map((earlier) => limiterFor(earlier).limit(earlier.bucket, { rate: -1 })),
    )
    return rows
  }
  return rows
}

/** Ends the connection: for tests and for processes that end. */
export function disconnectRedis(): void {
  shared.coatcheckRedis?.close()
  shared.coatcheckRedis = null
}
