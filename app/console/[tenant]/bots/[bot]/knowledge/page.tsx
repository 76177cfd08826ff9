import type { Metadata } from "next"
import { KnowledgeBoard } from "#components/console/knowledge-board.tsx"
import { routes } from "#components/console/routes.ts"
import { SourceDrawer } from "#components/console/source-drawer.tsx"
import { requireMember } from "#lib/auth/session.ts"
import { getSource, getSourceText, listCrawls, listSources } from "#lib/knowledge/queries.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { orNotFound } from "../../../../or-not-found.ts"
import { addQuestion, addText, deleteSource, retrySource } from "../actions.ts"
import {
  addPage,
  addSite,
  deleteSite,
  refreshSite,
  scheduleSite,
  stopSite,
  stopSource,
} from "./actions.ts"

export const metadata: Metadata = { title: "Knowledge" }

const actions = {
  addPage,
  addQuestion,
  addSite,
  addText,
  deleteSite,
  deleteSource,
  refreshSite,
  retrySource,
  scheduleSite,
  stopSite,
  stopSource,
}

type Props = {
  params: Promise<{ tenant: string; bot: string }>
  searchParams: Promise<{ source?: string | string[] }>
}

export default async function KnowledgePage({ params, searchParams }: Props) {
  const { tenant: tenantId, bot: botId } = await params
  const { source } = await searchParams
  const { scope } = await requireMember(tenantId)
  const [{ data: sources }, { data: sites }, opened] = await Promise.all([
    orNotFound(listSources(scope, botId, { limit: 200 })),
    orNotFound(listCrawls(scope, botId)),
    typeof source === "string" ? readSource(scope, source) : null,
  ])
  return (
    <>
      <KnowledgeBoard botId={botId} sources={sources} sites={sites} actions={actions} />
      {opened ? <SourceDrawer {...opened} closeHref={routes.knowledge(tenantId, botId)} /> : null}
    </>
  )
}

async function readSource(scope: TenantScope, sourceId: string) {
  const source = await orNotFound(getSource(scope, sourceId))
  const { text, truncated } = await getSourceText(scope, sourceId)
  return { source, text, isTruncated: truncated }
}
