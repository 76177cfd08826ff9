import type { Metadata } from "next"
import { notFound } from "next/navigation"
import { IncidentBoard } from "#components/console/incident-board.tsx"
import { listAuditEvents } from "#lib/audit/queries.ts"
import { requireMember } from "#lib/auth/session.ts"
import { getKeySpend } from "#lib/chat/queries.ts"
import { getIncident } from "#lib/incidents/queries.ts"
import { getEmbedKey, listSites } from "#lib/keys/queries.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { orNotFound } from "../../../../../or-not-found.ts"
import { updateKey } from "../../actions.ts"
import {
  endAllChats,
  endChat,
  keepOut,
  letBackIn,
  rotateKey,
  setVisitorBlocked,
} from "./actions.ts"

export const metadata: Metadata = { title: "Check for abuse" }

type Props = { params: Promise<{ tenant: string; bot: string; key: string }> }

export default async function IncidentPage({ params }: Props) {
  const { tenant: tenantId, bot: botId, key: keyId } = await params
  const { scope } = await requireMember(tenantId)
  const embedKey = await orNotFound(getEmbedKey(scope, keyId))
  if (!embedKey.botIds.includes(botId)) notFound()
  const [incident, sites, spend, events] = await Promise.all([
    getIncident(scope, keyId),
    listSites(scope, keyId),
    getKeySpend(scope, keyId),
    readEvents(scope, keyId),
  ])
  return (
    <IncidentBoard
      botId={botId}
      facts={{ embedKey, incident, sites, spend, events }}
      actions={{
        updateKey,
        rotateKey,
        endAllChats,
        endChat,
        setVisitorBlocked,
        keepOut,
        letBackIn,
      }}
    />
  )
}

/** What was done to the tag in the last 24 hours, for those who may read the audit list. */
async function readEvents(scope: TenantScope, keyId: string) {
  if (!scope.permissions.has("audit.read")) return null
  const { data } = await listAuditEvents(scope, { target: keyId, limit: 100 })
  const since = new Date(Date.now() - 86_400_000).toISOString()
  return data.filter((event) => event.createdAt >= since)
}
