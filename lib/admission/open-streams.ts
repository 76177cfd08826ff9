import { setTimeout as wait } from "node:timers/promises"
import { findHolder } from "#lib/limits/holder.ts"
import { leaseSeconds } from "#lib/limits/streams.ts"
import { log } from "#lib/log.ts"
import { listenForRevocations } from "#lib/tenancy/database.ts"
import { findLiveSessions, renewStreams } from "#lib/tenancy/directory.ts"

// Guarantees: an open answer whose session was cut off ends within a second, on every process. One query
// every 500 ms re-checks all open streams; when it fails for a second they end as well. NOTIFY merely
// makes it sooner.

const tickMs = 500
const graceMs = 1_000
const leaseEveryMs = 5_000

export class Revoked extends Error {}

type Open = { sessionId: string; controller: AbortController }
type Watch = {
  open: Set<Open>
  timer: NodeJS.Timeout | undefined
  failingSince: number | null
  leasedAt: number
  holder: number | null
  isChecking: boolean
  /** News came while a check was under way: what it read may be older than the news. */
  isStale: boolean
  stopListening: (() => Promise<void>) | undefined
  isListening: boolean
}

const shared = globalThis as typeof globalThis & { coatcheckStreams?: Watch }

function watch(): Watch {
  shared.coatcheckStreams ??= {
    open: new Set(),
    timer: undefined,
    failingSince: null,
    leasedAt: 0,
    holder: null,
    isChecking: false,
    isStale: false,
    stopListening: undefined,
    isListening: false,
  }
  return shared.coatcheckStreams
}

/**
 * Registers an answer that is being written. The signal aborts, with a `Revoked` reason, once the session
 * is no longer good. Call `close` when the answer ends.
 */
export function openStream(sessionId: string): { signal: AbortSignal; close: () => void } {
  const state = watch()
  const entry: Open = { sessionId, controller: new AbortController() }
  state.open.add(entry)
  state.leasedAt ||= Date.now()
  state.timer ??= setInterval(() => void checkStreams(), tickMs)
  void listen(state)
  // Between the live check of this request and this line the switch may have been thrown.
  void checkStreams()
  return {
    signal: entry.controller.signal,
    close: () => {
      state.open.delete(entry)
      if (state.open.size > 0) return
      clearInterval(state.timer)
      state.timer = undefined
      state.leasedAt = 0
    },
  }
}

/** How many answers this process is writing, for metrics. */
export function countOpenStreams(): number {
  return watch().open.size
}

/** Ends every answer that this process is writing, because it stops: visitors are told to try again. */
export function endOpenStreams(): void {
  for (const entry of watch().open) entry.controller.abort(new Error("this process stops"))
}

async function checkStreams(): Promise<void> {
  const state = watch()
  if (state.isChecking) state.isStale = true
  if (state.isChecking || state.open.size === 0) return
  state.isChecking = true
  state.isStale = false
  const checked = [...state.open]
  const startedAt = Date.now()
  const check = async () => {
    const ids = checked.map((entry) => entry.sessionId)
    const found = await findLiveSessions(ids, "watch")
    const live = new Set(found.map((session) => session.sessionId))
    state.failingSince = null
    for (const entry of checked)
      if (!live.has(entry.sessionId)) entry.controller.abort(new Revoked())
    // A connection that was lost made this process look dead: its streams move to its new number.
    const holder = await findHolder()
    if (holder !== state.holder || Date.now() - state.leasedAt > leaseEveryMs) {
      state.leasedAt = Date.now()
      state.holder = holder
      await renewStreams(ids, leaseSeconds, holder)
    }
  }
  try {
    await Promise.race([check(), giveUp()])
  } catch (error) {
    state.failingSince ??= startedAt
    log.warn(
      { code: "stream_check_failed", reason: (error as Error).message },
      "open streams unchecked",
    )
    if (Date.now() - state.failingSince >= graceMs - tickMs) {
      for (const entry of checked) entry.controller.abort(new Revoked())
    }
  } finally {
    state.isChecking = false
    if (state.isStale) void checkStreams()
  }
}

/** A database that says nothing at all is as good as away. In two halves: a stall of this very process is none. */
async function giveUp(): Promise<never> {
  for (const half of [1, 2]) await wait(graceMs / 2, half, { ref: false })
  throw new Error("the database does not answer")
}

async function listen(state: Watch): Promise<void> {
  if (state.isListening) return
  state.isListening = true
  try {
    state.stopListening = await listenForRevocations(
      () => void checkStreams(),
      () => {
        state.isListening = false
      },
    )
  } catch {
    // The 500 ms re-check carries the promise; the next stream tries again.
    state.isListening = false
  }
}
