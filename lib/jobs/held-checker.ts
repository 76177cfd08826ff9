import { log } from "#lib/log.ts"
import { checkHeldBot } from "#lib/quality/held.ts"
import { listBotsToCheck } from "#lib/tenancy/directory.ts"

// Asks the golden questions of what was read for published bots, one bot after the other. The rows are the jobs:
// what a worker leaves behind when it dies, the next one finds.

const pollMs = 1_000

export type HeldChecker = { stop(): Promise<void> }

/** Starts looking for bots with something to check, until told to stop. */
export function startHeldChecker(): HeldChecker {
  let isStopping = false
  let running: Promise<void> | null = null

  const turn = async () => {
    for (const place of await listBotsToCheck()) {
      if (isStopping) return
      try {
        await checkHeldBot(place)
        log.info({ botId: place.botId }, "knowledge checked")
      } catch (error) {
        const reason = error instanceof Error ? error.message : "unknown"
        log.warn({ botId: place.botId, reason }, "check")
      }
    }
  }

  const timer = setInterval(() => {
    running ??= turn()
      .catch((error: Error) => log.warn({ reason: error.message }, "checks"))
      .finally(() => {
        running = null
      })
  }, pollMs)
  return {
    async stop() {
      isStopping = true
      clearInterval(timer)
      await running
    },
  }
}
