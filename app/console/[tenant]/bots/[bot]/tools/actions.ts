"use server"

import { z } from "zod"
import { memberAction } from "#lib/http/action.ts"
import {
  createTool as createBotTool,
  deleteTool as deleteBotTool,
  updateTool as updateBotTool,
} from "#lib/tools/commands.ts"
import {
  allowRemoteToolInput,
  createServerInput,
  createToolInput,
  tryToolInput,
  updateServerInput,
  updateToolInput,
} from "#lib/tools/schema.ts"
import {
  addServer as addBotServer,
  allowRemoteTool,
  deleteServer as deleteBotServer,
  refreshServer as refreshBotServer,
  updateServer as updateBotServer,
} from "#lib/tools/servers.ts"
import { tryTool as tryBotTool } from "#lib/tools/try.ts"

const botId = z.string()
const toolId = z.string()
const serverId = z.string()

export const createTool = memberAction({
  permission: "bots.write",
  input: createToolInput.extend({ botId }),
  handle: ({ scope, input: { botId, ...input } }) => createBotTool(scope, botId, input),
})

export const updateTool = memberAction({
  permission: "bots.write",
  input: updateToolInput.extend({ toolId }),
  handle: ({ scope, input: { toolId, ...input } }) => updateBotTool(scope, toolId, input),
})

export const deleteTool = memberAction({
  permission: "bots.write",
  input: z.strictObject({ toolId }),
  handle: ({ scope, input }) => deleteBotTool(scope, input.toolId),
})

export const tryTool = memberAction({
  permission: "bots.write",
  input: tryToolInput.extend({ toolId }),
  handle: ({ scope, input }) => tryBotTool(scope, input.toolId, input.values),
})

export const addServer = memberAction({
  permission: "bots.write",
  input: createServerInput.extend({ botId }),
  handle: ({ scope, input: { botId, ...input } }) => addBotServer(scope, botId, input),
})

export const updateServer = memberAction({
  permission: "bots.write",
  input: updateServerInput.extend({ serverId }),
  handle: ({ scope, input: { serverId, ...input } }) => updateBotServer(scope, serverId, input),
})

export const refreshServer = memberAction({
  permission: "bots.write",
  input: z.strictObject({ serverId }),
  handle: ({ scope, input }) => refreshBotServer(scope, input.serverId),
})

export const deleteServer = memberAction({
  permission: "bots.write",
  input: z.strictObject({ serverId }),
  handle: ({ scope, input }) => deleteBotServer(scope, input.serverId),
})

export const allowTool = memberAction({
  permission: "bots.write",
  input: allowRemoteToolInput.extend({ serverId }),
  handle: ({ scope, input: { serverId, ...input } }) => allowRemoteTool(scope, serverId, input),
})
