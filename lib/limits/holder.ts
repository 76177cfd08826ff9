import { randomInt } from "node:crypto"
import { log } from "#lib/log.ts"
import { isBehindPooler, type ProcessKind, showAlive } from "#lib/tenancy/database.ts"

// Guarantees: the number is this process's alone, and the database calls it alive as long as the connection it was
// given on. One that was lost is followed by another number: what could not be finished meanwhile is free.

type Holder = { number: number | null; asking: Promise<number | null> | null }

const shared = globalThis as typeof globalThis & { coatcheckHolder?: Holder }

/**
 * The number under which this process holds its leases; null while the database cannot be shown that it is
 * alive: those leases end by time alone.
 */
export async function findHolder(kind: ProcessKind = "web"): Promise<number | null> {
  // A lock taken through a pooler stays with one of its connections, whoever lives or dies.
  if (isBehindPooler()) return null
  shared.coatcheckHolder ??= { number: null, asking: null }
  const holder = shared.coatcheckHolder
  if (holder.number !== null) return holder.number
  holder.asking ??= ask(kind, holder).finally(() => {
    holder.asking = null
  })
  return holder.asking
}

async function ask(kind: ProcessKind, holder: Holder): Promise<number | null> {
  const number = randomInt(1, 2 ** 31 - 1)
  try {
    await showAlive(kind, number, () => {
      if (holder.number === number) holder.number = null
    })
    holder.number = number
    return number
  } catch (error) {
    log.warn({ code: "holder_unknown", reason: (error as Error).message }, "not seen as alive")
    return null
  }
}
