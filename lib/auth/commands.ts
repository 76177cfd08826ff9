import { type AuditEntry, record } from "#lib/audit/record.ts"
import { insertBot } from "#lib/bots/commands.ts"
import { fail } from "#lib/errors.ts"
import { newId } from "#lib/ids.ts"
import { takeRates } from "#lib/limits/rates.ts"
import { type Tx, withTenant } from "#lib/tenancy/database.ts"
import {
  confirmSignIn,
  createSignIn,
  endOwnSignIn,
  findSignedInUser,
  findUserByEmail,
  listMemberships,
  listSignIns,
  type Membership,
  setPassword,
  type UserRecord,
} from "#lib/tenancy/directory.ts"
import { scopeForNewTenant, scopeFromMember, type TenantScope } from "#lib/tenancy/scope.ts"
import { hashPassword, isPassword } from "./password.ts"
import type {
  ChangePasswordInput,
  ConfirmPasswordInput,
  EndSignInInput,
  SignUpInput,
} from "./schema.ts"

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
  deviceName = "",
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
  await createSignIn(signInId, user.id, { days: signInDays, device: deviceName })
  return { user, signInId }
}

/** Sets a new password and signs every browser out, this one too. Throws `invalid` for a wrong current one. */
export async function changePassword(
  signInId: string,
  input: ChangePasswordInput,
  ip?: string,
): Promise<void> {
  const user = await provePassword(signInId, input.currentPassword, "currentPassword")
  const memberships = await listMemberships(signInId)
  const isSet = await setPassword(user.id, user.passwordHash, await hashPassword(input.newPassword))
  if (!isSet) throw fail("conflict", changedElsewhere)
  await recordEverywhere(memberships, ip, { action: "member.passwordChanged", target: user.id })
}

/** Takes the password of who is signed in again, for acts that want it recent. Throws `invalid` for a wrong one. */
export async function confirmPassword(
  signInId: string,
  input: ConfirmPasswordInput,
  ip?: string,
): Promise<void> {
  const user = await provePassword(signInId, input.password, "password")
  const memberships = await listMemberships(signInId)
  if (!(await confirmSignIn(signInId, user.passwordHash))) throw fail("conflict", changedElsewhere)
  await recordEverywhere(memberships, ip, { action: "member.passwordConfirmed", target: user.id })
}

const changedElsewhere = "Your password was changed elsewhere. Sign in again."

/** Whoever is signed in here and knows their password; few tries an account. `path` is the field it was typed into. */
async function provePassword(
  signInId: string,
  password: string,
  path: string,
): Promise<UserRecord> {
  const user = await findSignedInUser(signInId)
  if (!user) throw fail("unauthorized")
  await takeRates([{ rate: "password.user", subject: user.id }])
  if (!(await isPassword(password, user.passwordHash))) {
    const message = "This is not your current password."
    throw fail("invalid", { detail: message, issues: [{ path, message }] })
  }
  return user
}

/** Ends one of one's own sign-ins: that browser is refused on its next request. Throws `not_found`. */
export async function endSignInOf(
  signInId: string,
  input: EndSignInInput,
  ip?: string,
): Promise<void> {
  const memberships = await listMemberships(signInId)
  const user = memberships[0]?.user
  if (!user) throw fail("unauthorized")
  const ended = (await listSignIns(signInId)).find((one) => one.id === input.signInId)
  if (!ended || !(await endOwnSignIn(signInId, ended.id))) throw fail("not_found")
  const entry: AuditEntry = {
    action: "member.signedOut",
    target: user.id,
    after: { device: ended.device },
  }
  await recordEverywhere(memberships, ip, entry)
}

/** A person belongs to no tenant: what they do to their account stands in the log of each of theirs. */
async function recordEverywhere(
  memberships: Membership[],
  ip: string | undefined,
  entry: AuditEntry,
): Promise<void> {
  for (const { tenantId, role, user } of memberships) {
    const scope = scopeFromMember({ tenantId, userId: user.id, label: user.email, role, ip })
    await withTenant(scope, (tx) => record(tx, scope, entry))
  }
}
