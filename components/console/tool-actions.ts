import type {
  AllowRemoteToolInput,
  CreateServerInput,
  CreateToolInput,
  ServerView,
  ToolTrial,
  ToolView,
  UpdateServerInput,
  UpdateToolInput,
} from "#lib/tools/schema.ts"
import type { UpdateKey } from "./bot-actions.ts"
import type { Command } from "./command.ts"

export type ToolActions = {
  createTool: Command<{ botId: string } & CreateToolInput, ToolView>
  updateTool: Command<{ toolId: string } & UpdateToolInput, ToolView>
  deleteTool: Command<{ toolId: string }>
  tryTool: Command<{ toolId: string; values: Record<string, string | number | boolean> }, ToolTrial>
  addServer: Command<{ botId: string } & CreateServerInput, ServerView>
  updateServer: Command<{ serverId: string } & UpdateServerInput, ServerView>
  refreshServer: Command<{ serverId: string }, ServerView>
  deleteServer: Command<{ serverId: string }>
  allowTool: Command<{ serverId: string } & AllowRemoteToolInput, ServerView>
  updateKey: UpdateKey
}
