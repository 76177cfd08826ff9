import type { Metadata } from "next"
import { KnowledgeBoard } from "#components/console/knowledge-board.tsx"
import { routes } from "#components/console/routes.ts"
import { SourceDrawer } from "#components/console/source-drawer.tsx"
import { sourcesPerPage } from "#components/console/upload-source.ts"
import { requireMember } from "#lib/auth/session.ts"
import { getSource, getSourceText, listCrawls, listSources } from "#lib/knowledge/queries.ts"
import type { TenantScope } from "#lib/tenancy/scope.ts"
import { orNotFound } from "../../../../or-not-found.ts"
import { addQuestion, addText, deleteSource, retrySource } from "../actions.ts"
import {
  acceptSource,
  addPages,
  addSite,
  deleteSite,
  discardSource,
  refreshSite,
  stopSite,
  stopSource,
  updateSite,
  updateSource,
} from "./actions.ts"

export const metadata: Metadata = { title: "Knowledge" }

const actions = {
  acceptSource,
  addPages,
  addQuestion,
  addSite,
  addText,
  deleteSite,
  deleteSource,
  discardSource,
  refreshSite,
  retrySource,
  stopSite,
  stopSource,
  updateSite,
  updateSource,
}

type Props = {
  params: Promise<{ tenant: string; bot: string }>
  searchParams: Promise<{ source?: string | string[]; cursor?: string | string[] }>
}

export default async function KnowledgePage({ params, searchParams }: Props) {
  const { tenant: tenantId, bot: botId } = await params
  const { source, ...query } = await searchParams
  const cursor = typeof query.cursor === "string" ? query.cursor : null
  const { scope } = await requireMember(tenantId)
  const [{ data: sources, nextCursor }, { data: sites }, { data: held }, opened] =
    await Promise.all([
      orNotFound(
        listSources(scope, botId, { limit: sourcesPerPage, ...(cursor ? { cursor } : {}) }),
      ),
      orNotFound(listCrawls(scope, botId)),
      orNotFound(listSources(scope, botId, { limit: sourcesPerPage, status: "held" })),
      typeof source === "string" ? readSource(scope, source) : null,
    ])
  return (
    <>
      <KnowledgeBoard
        botId={botId}
        sources={sources}
        sites={sites}
        held={held}
        cursor={cursor}
        nextCursor={nextCursor}
        actions={actions}
      />
      {opened ? <SourceDrawer {...opened} closeHref={routes.knowledge(tenantId, botId)} /> : null}
    </>
  )
}

async function readSource(scope: TenantScope, sourceId: string) {
  const source = await orNotFound(getSource(scope, sourceId))
  const { text, truncated } = await getSourceText(scope, sourceId)
  return { source, text, isTruncated: truncated }
}
