import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto"
import { env } from "#lib/env.ts"
import { fail } from "#lib/errors.ts"

// Guarantees: secrets that must be read back lie in the database under AES-256-GCM, tied to their tenant,
// table, column and row: a ciphertext copied anywhere else does not open.

/** Where a secret lies. */
export type SecretPlace = { table: string; column: string; id: string }

const version = "v1"
const ivBytes = 12
const tagBytes = 16

function key(): Buffer {
  if (!env.ENCRYPTION_KEY)
    throw fail("not_configured", { internal: "ENCRYPTION_KEY is not set: secrets cannot be kept" })
  return createHash("sha256").update(env.ENCRYPTION_KEY, "utf8").digest()
}

function tie(scope: { tenantId: string }, { table, column, id }: SecretPlace): Buffer {
  return Buffer.from([version, scope.tenantId, table, column, id].join("\x1f"), "utf8")
}

/** Encrypts for one place: `v1.` and base64url of iv, ciphertext and tag. */
export function encryptSecret(
  scope: { tenantId: string },
  place: SecretPlace,
  secret: string,
): string {
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv("aes-256-gcm", key(), iv, { authTagLength: tagBytes })
  cipher.setAAD(tie(scope, place))
  const sealed = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()])
  return `${version}.${Buffer.concat([iv, sealed, cipher.getAuthTag()]).toString("base64url")}`
}

/**
 * Opens what `encryptSecret` sealed for this very place. Throws `internal` for anything else: another
 * tenant's, another row's, changed by one bit, or sealed under another ENCRYPTION_KEY.
 */
export function decryptSecret(
  scope: { tenantId: string },
  place: SecretPlace,
  sealed: string,
): string {
  const [stamp, text = ""] = sealed.split(".")
  const bytes = Buffer.from(text, "base64url")
  try {
    if (stamp !== version || bytes.byteLength < ivBytes + tagBytes) throw new Error("form")
    const decipher = createDecipheriv("aes-256-gcm", key(), bytes.subarray(0, ivBytes), {
      authTagLength: tagBytes,
    })
    decipher.setAAD(tie(scope, place))
    decipher.setAuthTag(bytes.subarray(-tagBytes))
    const opened = decipher.update(bytes.subarray(ivBytes, -tagBytes))
    return Buffer.concat([opened, decipher.final()]).toString("utf8")
  } catch {
    throw fail("internal", { internal: `a secret in ${place.table}.${place.column} does not open` })
  }
}
