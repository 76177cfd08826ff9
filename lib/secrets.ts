import { createHash, randomBytes, timingSafeEqual } from "node:crypto"

/** A random secret as lower-case letters and digits: `bytes` of entropy in hex. */
export function newSecret(bytes = 24): string {
  return randomBytes(bytes).toString("hex")
}

/** sha256 in hex. For secrets with full entropy only; passwords go through argon2id in lib/auth. */
export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret, "utf8").digest("hex")
}

/** Compares two strings in a time that depends on neither content nor length. */
export function isSameSecret(given: string, expected: string): boolean {
  const a = createHash("sha256").update(given, "utf8").digest()
  const b = createHash("sha256").update(expected, "utf8").digest()
  return timingSafeEqual(a, b)
}

/**
 * The bytes that both the server and `sec.setting_key` hold for TENANT_SETTING_KEY: its sha256, so that a
 * secret of any spelling works. The migrator installs them in hex.
 */
export function settingKeyBytes(secret: string): Buffer {
  return createHash("sha256").update(secret, "utf8").digest()
}
