import type { Metadata } from "next"
import { ApiKeyBoard } from "#components/console/api-key-board.tsx"
import { NoAccess } from "#components/console/no-access.tsx"
import { requireMember } from "#lib/auth/session.ts"
import { listBots } from "#lib/bots/queries.ts"
import { listApiKeys } from "#lib/keys/queries.ts"
import { createApiKey, deleteApiKey, rotateApiKey } from "../actions.ts"

export const metadata: Metadata = { title: "API keys" }

type Props = { params: Promise<{ tenant: string }> }

export default async function ApiKeysPage({ params }: Props) {
  const { tenant: tenantId } = await params
  const { scope } = await requireMember(tenantId)
  if (!scope.permissions.has("apiKeys.read")) return <NoAccess what="API keys" />
  const [{ data: keys }, { data: bots }] = await Promise.all([
    listApiKeys(scope, { limit: 200 }),
    listBots(scope, { limit: 200 }),
  ])
  return (
    <ApiKeyBoard
      keys={keys}
      bots={bots.map(({ id, name }) => ({ id, name }))}
      actions={{ createApiKey, deleteApiKey, rotateApiKey }}
    />
  )
}
