import { closeSync, openSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { setTimeout as delay } from "node:timers/promises"

export type FileLock = { release(): void }

const busyCode = 5
const cannotOpenCode = 14

/**
 * Takes an exclusive lock on a file, or returns null while somebody else holds it.
 *
 * Node has no flock. SQLite's own file locks are kernel locks: they vanish with the process however
 * it dies, and hold across containers that share the folder, where a pid file would lie.
 */
export function tryLock(path: string): FileLock | null {
  let handle: DatabaseSync
  try {
    // Private: whoever may open the file may also lock it.
    closeSync(openSync(path, "a", 0o600))
    handle = new DatabaseSync(path, { timeout: 0 })
  } catch (error) {
    throw describeLockError(path, error)
  }
  try {
    handle.exec("BEGIN EXCLUSIVE")
  } catch (error) {
    handle.close()
    if (readErrorCode(error) === busyCode) return null
    throw describeLockError(path, error)
  }
  let isHeld = true
  return {
    release() {
      if (!isHeld) return
      isHeld = false
      handle.close()
    },
  }
}

/** Waits for the lock, at most `timeoutMs`; null when the time is over. */
export async function waitForLock(path: string, timeoutMs: number): Promise<FileLock | null> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const lock = tryLock(path)
    if (lock) return lock
    if (Date.now() > deadline) return null
    await delay(15)
  }
}

function readErrorCode(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("errcode" in error)) return undefined
  // Extended result codes keep the primary code in the low byte.
  return Number(error.errcode) & 0xff
}

function describeLockError(path: string, error: unknown): Error {
  const reason = error instanceof Error ? error.message : String(error)
  const isRefused = (error as NodeJS.ErrnoException).code === "EACCES"
  if (isRefused || readErrorCode(error) === cannotOpenCode)
    return new Error(`Cannot write ${path}: this user may not use that folder (${reason}).`)
  return new Error(`Cannot lock ${path}: ${reason}`)
}
