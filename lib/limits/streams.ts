import { fail } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import { log } from "#lib/log.ts"
import { callDefiner } from "#lib/tenancy/database.ts"
import { countRefusal } from "#lib/tenancy/directory.ts"
import type { VisitorScope } from "#lib/tenancy/scope.ts"
import { findHolder } from "./holder.ts"
import { limitHeaders } from "./rates.ts"

// Guarantees: at most so many answers are being written at once for one address and one key, over all
// processes. A place is a lease that names its process: one that dies gives it back at once, and by time where
// the database could not tell.

const perAddress = 5
const perKey = 50
/** How long a stream's lease outlives its process; lib/admission/open-streams.ts renews it. */
export const leaseSeconds = 20

/**
 * Runs `work` holding one place; throws `stream_limit` when there is none. The place is given back when
 * `work` throws; otherwise by `free`, which `work` passes on to whatever goes on streaming.
 */
export async function withStreamLease<T>(
  scope: VisitorScope,
  ip: string,
  work: (free: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const id = newId("usage")
  const { sessionId, keyId, origin } = scope.visitor
  const holder = await findHolder()
  const take = async () => {
    const [row] = await callDefiner<{ is_taken: boolean }>(
      "take_stream",
      "select limits.take_stream($1, $2, $3, $4, $5, $6, $7, $8) as is_taken",
      [id, sessionId, keyId, ip, perAddress, perKey, leaseSeconds, holder],
    )
    return row?.is_taken === true
  }
  if (!(await take()) && !((await freeGoneStreams()) > 0 && (await take()))) {
    await countRefusal(keyId, "stream_limit", origin)
    throw fail("stream_limit", {
      headers: limitHeaders({ limit: perAddress, retryAfterSeconds: 2 }),
    })
  }
  const free = async () => {
    await callDefiner("free_stream", "select limits.free_stream($1)", [id]).catch((error: Error) =>
      log.warn(
        { code: "lease_not_freed", reason: error.message },
        "a stream's lease runs out by itself",
      ),
    )
  }
  try {
    return await work(free)
  } catch (error) {
    await free()
    throw error
  }
}

/** Ends what processes that are gone left open, their half answers marked as interrupted. Returns how many. */
export async function freeGoneStreams(): Promise<number> {
  const sql = "select limits.free_gone_streams() as count"
  return (await callDefiner<{ count: number }>("free_gone_streams", sql, []))[0]?.count ?? 0
}
