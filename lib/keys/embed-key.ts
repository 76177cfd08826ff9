import { newId } from "#lib/ids.ts"
import { newSecret } from "#lib/secrets.ts"

export type EmbedKeyParts = { mode: "live" | "test"; keyId: string; random: string }

const pattern = /^pk_(live|test)_([0-9a-f]{24})_([0-9a-f]{24})$/

/** A new embed key's stable id and random part. */
export function newEmbedKey(): { keyId: string; random: string } {
  return { keyId: newId("key"), random: newSecret(12) }
}

/** `pk_live_<id>_<random>`: what stands in the page. Rotation changes the random part and keeps the id. */
export function formatEmbedKey({ mode, keyId, random }: EmbedKeyParts): string {
  return `pk_${mode}_${keyId.slice("key_".length)}_${random}`
}

/** The parts of an embed key, or null when the text is not exactly one. */
export function parseEmbedKey(text: unknown): EmbedKeyParts | null {
  const match = typeof text === "string" ? pattern.exec(text) : null
  if (!match || text !== match[0]) return null
  return { mode: match[1] as "live" | "test", keyId: `key_${match[2]}`, random: match[3]! }
}
