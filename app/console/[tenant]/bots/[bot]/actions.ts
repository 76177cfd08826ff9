"use server"

import { z } from "zod"
import { createPreviewTicket as createTicket } from "#lib/admission/tickets.ts"
import { deleteBot as deleteTenantBot } from "#lib/bots/commands.ts"
import { updateBotInput } from "#lib/bots/schema.ts"
import { memberAction } from "#lib/http/action.ts"
import { createEmbedKey, deleteEmbedKey, updateEmbedKey } from "#lib/keys/commands.ts"
import { createEmbedKeyInput, updateEmbedKeyInput } from "#lib/keys/schema.ts"
import { addQuestionSource, addTextSource } from "#lib/knowledge/add-sources.ts"
import { retrySource as retryTenantSource } from "#lib/knowledge/commands.ts"
import { addQuestionSourceInput, addTextSourceInput } from "#lib/knowledge/schema.ts"
import { changeBot, removeSource } from "#lib/quality/gate.ts"
import { confirmedRunId } from "#lib/quality/schema.ts"

const botId = z.string()
const sourceId = z.string()
const keyId = z.string()

export const updateBot = memberAction({
  permission: "bots.write",
  input: updateBotInput.extend({ botId, confirmedRunId }),
  handle: ({ scope, input: { botId, ...input } }) => changeBot(scope, botId, input),
})

export const deleteBot = memberAction({
  permission: "bots.delete",
  input: z.strictObject({ botId }),
  handle: ({ scope, input }) => deleteTenantBot(scope, input.botId),
})

export const addText = memberAction({
  permission: "knowledge.write",
  input: addTextSourceInput.extend({ botId }),
  handle: ({ scope, input: { botId, ...input } }) => addTextSource(scope, botId, input),
})

export const addQuestion = memberAction({
  permission: "knowledge.write",
  input: addQuestionSourceInput.extend({ botId }),
  handle: ({ scope, input: { botId, ...input } }) => addQuestionSource(scope, botId, input),
})

export const deleteSource = memberAction({
  permission: "knowledge.write",
  input: z.strictObject({ sourceId, confirmedRunId }),
  handle: ({ scope, input }) => removeSource(scope, input.sourceId, input.confirmedRunId),
})

export const retrySource = memberAction({
  permission: "knowledge.write",
  input: z.strictObject({ sourceId }),
  handle: ({ scope, input }) => retryTenantSource(scope, input.sourceId),
})

export const createKey = memberAction({
  permission: "keys.write",
  input: createEmbedKeyInput.extend({ botId }),
  handle: ({ scope, input: { botId, ...input } }) => createEmbedKey(scope, botId, input),
})

export const updateKey = memberAction({
  permission: "keys.write",
  input: updateEmbedKeyInput.extend({ keyId }),
  handle: ({ scope, input: { keyId, ...input } }) => updateEmbedKey(scope, keyId, input),
})

export const deleteKey = memberAction({
  permission: "keys.write",
  input: z.strictObject({ keyId }),
  handle: ({ scope, input }) => deleteEmbedKey(scope, input.keyId),
})

export const createPreviewTicket = memberAction({
  permission: "bots.read",
  input: z.strictObject({ botId }),
  handle: ({ scope, input }) => createTicket(scope, input.botId),
})
