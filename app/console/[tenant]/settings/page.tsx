import type { Metadata } from "next"
import { ModelCard } from "#components/console/model-card.tsx"
import { PageHeader } from "#components/console/page-header.tsx"
import { PasswordForm } from "#components/console/password-form.tsx"
import { roleNames } from "#components/console/role-names.ts"
import { SignInList } from "#components/console/sign-in-list.tsx"
import { Card } from "#components/ui/card.tsx"
import { listOwnSignIns } from "#lib/auth/queries.ts"
import { requireMember } from "#lib/auth/session.ts"
import { env } from "#lib/env.ts"
import { findTenantModel } from "#lib/models/queries.ts"
import { changePassword, endSignIn, removeModel, saveModel, tryModel } from "../actions.ts"

export const metadata: Metadata = { title: "Settings" }

type Props = { params: Promise<{ tenant: string }> }

export default async function SettingsPage({ params }: Props) {
  const { tenant: tenantId } = await params
  const { scope, user, tenant, role, signInId } = await requireMember(tenantId)
  const canSetModel = scope.permissions.has("tenant.write")
  const facts = [
    ["Business", tenant.name],
    ["Signed in as", user.email],
    ["Your role", roleNames[role]],
  ] as const
  return (
    <>
      <PageHeader title="Settings" />
      <div className="flex max-w-3xl flex-col gap-6">
        <Card title="Account">
          <dl className="grid gap-4 sm:grid-cols-3">
            {facts.map(([label, value]) => (
              <div key={label}>
                <dt className="text-13 text-quiet">{label}</dt>
                <dd className="font-medium wrap-anywhere">{value}</dd>
              </div>
            ))}
          </dl>
        </Card>
        <SignInList signIns={await listOwnSignIns(signInId)} endSignIn={endSignIn} />
        {canSetModel ? (
          <ModelCard
            model={await findTenantModel(scope)}
            currency={env.CURRENCY}
            actions={{ saveModel, removeModel, tryModel }}
          />
        ) : null}
        <PasswordForm changePassword={changePassword} />
      </div>
    </>
  )
}
