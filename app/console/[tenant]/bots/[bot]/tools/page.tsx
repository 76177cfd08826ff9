import type { Metadata } from "next"
import { ToolBoard } from "#components/console/tool-board.tsx"
import { requireMember } from "#lib/auth/session.ts"
import { listEmbedKeys } from "#lib/keys/queries.ts"
import { listServers, listTools } from "#lib/tools/queries.ts"
import { orNotFound } from "../../../../or-not-found.ts"
import { updateKey } from "../actions.ts"
import {
  addServer,
  allowTool,
  createTool,
  deleteServer,
  deleteTool,
  refreshServer,
  tryTool,
  updateServer,
  updateTool,
} from "./actions.ts"

export const metadata: Metadata = { title: "Tools" }

type Props = { params: Promise<{ tenant: string; bot: string }> }

export default async function ToolsPage({ params }: Props) {
  const { tenant: tenantId, bot: botId } = await params
  const { scope } = await requireMember(tenantId)
  const [tools, servers, { data: keys }] = await Promise.all([
    orNotFound(listTools(scope, botId)),
    orNotFound(listServers(scope, botId)),
    orNotFound(listEmbedKeys(scope, botId)),
  ])
  return (
    <ToolBoard
      botId={botId}
      tools={tools}
      servers={servers}
      keys={keys}
      actions={{
        addServer,
        allowTool,
        createTool,
        deleteServer,
        deleteTool,
        refreshServer,
        tryTool,
        updateKey,
        updateServer,
        updateTool,
      }}
    />
  )
}
