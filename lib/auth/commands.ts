import { record } from "#lib/audit/record.ts"
import { insertBot } from "#lib/bots/commands.ts"
import { fail } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import { takeRates } from "#lib/limits/rates.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import {
  createSignIn,
  findSignedInUser,
  findUserByEmail,
  setPassword,
  type UserRecord,
} from "#lib/tenancy/directory.ts"
import { scopeForNewTenant, type TenantScope } from "#lib/tenancy/scope.ts"
import { hashPassword, isPassword } from "./password.ts"
import type { ChangePasswordInput, SignUpInput } from "./schema.ts"

export const signInDays = 30

/**
 * Creates a person, their tenant and a first bot, all or nothing. Throws `conflict` when the address has an
 * account already: saying so is the price of a sign-up without mail, and the rate keeps it from being a list.
 */
export async function signUp(
  input: SignUpInput,
  ip: string,
): Promise<{ tenantId: string; botId: string }> {
  await takeRates([{ rate: "signUp.ip", subject: ip }])
  const passwordHash = await hashPassword(input.password)
  return createTenantWithOwner({ ...input, passwordHash, isSelfRegistered: true })
}

/** The same with a hash that exists already; the seed and the operator's `ownerEmail` use it too. */
export async function createTenantWithOwner(owner: {
  name: string
  email: string
  passwordHash: string
  isSelfRegistered: boolean
}): Promise<{ tenantId: string; botId: string; userId: string }> {
  const tenantId = newId("tenant")
  const userId = newId("user")
  const scope = scopeForNewTenant(tenantId, { id: userId, label: owner.email })
  return withTenant(scope, async (tx) => {
    const [created] = await tx.$queryRaw<{ is_new: boolean }[]>`
      select directory.create_user(${userId}, ${owner.email}, ${owner.name}, ${owner.passwordHash}) as is_new`
    if (!created?.is_new) {
      throw fail("conflict", {
        detail: "There is an account with this e-mail address. Sign in instead.",
        issues: [{ path: "email", message: "This address has an account already." }],
      })
    }
    await insertTenant(tx, scope, { name: owner.name, isSelfRegistered: owner.isSelfRegistered })
    await tx.membership.create({ data: { tenantId, userId, role: "owner" } })
    const bot = await insertBot(tx, scope, {
      name: `${owner.name} assistant`.slice(0, 60),
      isNamed: false,
    })
    return { tenantId, botId: bot.id, userId }
  })
}

/** The tenant's row and its first audit event, in the caller's transaction. */
export async function insertTenant(
  tx: Tx,
  scope: TenantScope,
  tenant: { name: string; isSelfRegistered: boolean },
): Promise<void> {
  await tx.tenant.create({ data: { id: scope.tenantId, ...tenant } })
  await record(tx, scope, {
    action: "tenant.created",
    target: scope.tenantId,
    after: { name: tenant.name },
  })
}

/**
 * Checks an address and a password and starts a sign-in for this browser. Null for any mismatch, at the same
 * cost; throws `rate_limited` by account and by address, or by known device and address.
 */
export async function signIn(
  input: { email: string; password: string },
  ip: string,
  device: string | null = null,
): Promise<{ user: UserRecord; signInId: string } | null> {
  await takeRates([
    // A device that signed in before has tries of its own: strangers cannot use them up.
    ...(device
      ? [{ rate: "signIn.device" as const, subject: `${input.email} ${device}` }]
      : [
          { rate: "signIn.accountFrom" as const, subject: `${input.email} ${ip}` },
          { rate: "signIn.account" as const, subject: input.email },
        ]),
    { rate: "signIn.ip", subject: ip },
  ])
  const user = await findUserByEmail(input.email)
  if (!(await isPassword(input.password, user?.passwordHash ?? null)) || !user) return null
  const signInId = newId("signIn")
  await createSignIn(signInId, user.id, signInDays)
  return { user, signInId }
}

/** Sets a new password and signs every browser out, this one too. Throws `invalid` for a wrong current one. */
export async function changePassword(signInId: string, input: ChangePasswordInput): Promise<void> {
  const user = await findSignedInUser(signInId)
  if (!user) throw fail("unauthorized")
  await takeRates([{ rate: "password.user", subject: user.id }])
  if (!(await isPassword(input.currentPassword, user.passwordHash))) {
    const message = "This is not your current password."
    throw fail("invalid", { detail: message, issues: [{ path: "currentPassword", message }] })
  }
  const isSet = await setPassword(user.id, user.passwordHash, await hashPassword(input.newPassword))
  if (!isSet) throw fail("conflict", "Your password was changed elsewhere. Sign in again.")
}
