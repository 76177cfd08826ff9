/**
 * The visitor secret, in the iframe's own storage under a name that carries the key's id: another
 * key, another site or the host page can't reach it. Kept only once the visitor has written.
 * Storage may be missing or throw (private windows, blocked cookies): then memory has to do.
 */
export type VisitorMemory = {
  read: () => string | null
  /** Remembers for this page's life. */
  hold: (secret: string) => void
  /** Remembers for the next visit too. */
  keep: () => void
  forget: () => void
}

export function createVisitorMemory(keyId: string): VisitorMemory {
  const name = `coatcheck:${keyId}`
  const attempt = <T>(use: (storage: Storage) => T): T | null => {
    try {
      return use(localStorage)
    } catch {
      return null
    }
  }
  let secret = attempt((storage) => storage.getItem(name))
  let isKept = secret !== null
  return {
    read: () => secret,
    hold: (fresh) => {
      secret = fresh
      if (isKept) attempt((storage) => storage.setItem(name, fresh))
    },
    keep: () => {
      isKept = true
      if (secret) attempt((storage) => storage.setItem(name, secret!))
    },
    forget: () => {
      secret = null
      isKept = false
      attempt((storage) => storage.removeItem(name))
    },
  }
}
