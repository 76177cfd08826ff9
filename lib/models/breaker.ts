import { APICallError } from "ai"

// Guarantees: a provider that fails is left alone. After a few failures in a row this process calls it no more
// for a while, so that visitors get their quotes at once and an overloaded provider gets no storm; then one call
// at a time tries whether it is back.

const failuresToOpen = 3
const pauseMs = 10_000
const longestPauseMs = 60_000

type Breaker = { failures: number; closedAgainAt: number }

// Pages and route handlers may hold separate copies of this module: one set of breakers a process all the same.
const shared = globalThis as typeof globalThis & { coatcheckBreakers?: Map<string, Breaker> }

/** The deployment's, or that of one tenant's own model: one's failures are nobody else's. */
function breaker(ownerId = ""): Breaker {
  shared.coatcheckBreakers ??= new Map()
  const all = shared.coatcheckBreakers
  if (all.size > 10_000) all.clear()
  const known = all.get(ownerId) ?? { failures: 0, closedAgainAt: 0 }
  all.set(ownerId, known)
  return known
}

/** Whether the model may be called now. Whoever is let through after a pause is the only one until the next. */
export function mayCallModel(now = Date.now(), ownerId?: string): boolean {
  const state = breaker(ownerId)
  if (state.failures < failuresToOpen) return true
  if (now < state.closedAgainAt) return false
  state.closedAgainAt = now + jitter(pauseMs)
  return true
}

/** What says that the provider is away or refuses everybody. Another 4xx minds one request: a prompt, a tool. */
const statusesOfAll: readonly number[] = [401, 403, 408, 429]

/** Whether a failure is the provider's own, and not brought about by what one caller sent. */
export function isProviderAway(error: unknown): boolean {
  const status = APICallError.isInstance(error) ? error.statusCode : undefined
  return status === undefined || status >= 500 || statusesOfAll.includes(status)
}

/** Notes how a call ended: null when the provider answered. A request that it minds says nothing either way. */
export function noteModelCall(error: unknown, now = Date.now(), ownerId?: string): void {
  if (error !== null && !isProviderAway(error)) return
  const state = breaker(ownerId)
  if (error === null) {
    state.failures = 0
    state.closedAgainAt = 0
    return
  }
  state.failures += 1
  const asked = readRetryAfterMs(error)
  // "Not before then" counts from the first time it is said.
  if (asked > pauseMs) state.failures = Math.max(state.failures, failuresToOpen)
  const pause = Math.max(jitter(pauseMs), Math.min(asked, longestPauseMs))
  state.closedAgainAt = Math.max(state.closedAgainAt, now + pause)
}

/** Between one and two times `ms`: processes that failed together must not come back together. */
export function jitter(ms: number): number {
  return ms * (1 + Math.random())
}

/** What the provider's Retry-After asks for; 0 when it says nothing usable. */
export function readRetryAfterMs(error: unknown): number {
  if (!APICallError.isInstance(error)) return 0
  const seconds = Number(error.responseHeaders?.["retry-after"])
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : 0
}
