"use server"

import { z } from "zod"
import { memberAction } from "#lib/http/action.ts"
import {
  createGolden as createBotGolden,
  deleteGolden as deleteBotGolden,
  draftGolden as draftBotGolden,
  importGolden as importBotGolden,
  runGolden as runBotGolden,
  updateGolden as updateBotGolden,
} from "#lib/quality/commands.ts"
import {
  answerGap as answerBotGap,
  dismissGap as dismissBotGap,
  retestGaps as retestBotGaps,
} from "#lib/quality/gaps.ts"
import {
  answerGapInput,
  createGoldenInput,
  dismissGapInput,
  importGoldenInput,
  runModes,
  updateGoldenInput,
} from "#lib/quality/schema.ts"

const botId = z.string()
const questionId = z.string()

export const createGolden = memberAction({
  permission: "knowledge.write",
  input: createGoldenInput.extend({ botId }),
  handle: ({ scope, input: { botId, ...input } }) => createBotGolden(scope, botId, input),
})

export const updateGolden = memberAction({
  permission: "knowledge.write",
  input: updateGoldenInput.extend({ questionId }),
  handle: ({ scope, input: { questionId, ...input } }) => updateBotGolden(scope, questionId, input),
})

export const deleteGolden = memberAction({
  permission: "knowledge.write",
  input: z.strictObject({ questionId }),
  handle: ({ scope, input }) => deleteBotGolden(scope, input.questionId),
})

export const importGolden = memberAction({
  permission: "knowledge.write",
  input: importGoldenInput.extend({ botId }),
  handle: ({ scope, input }) => importBotGolden(scope, input.botId, input.text),
})

export const draftGolden = memberAction({
  permission: "knowledge.write",
  input: z.strictObject({ botId }),
  handle: ({ scope, input }) => draftBotGolden(scope, input.botId),
})

export const runGolden = memberAction({
  permission: "knowledge.write",
  rate: "trial.tenant",
  input: z.strictObject({ botId, mode: z.enum(runModes) }),
  handle: ({ scope, input }) => runBotGolden(scope, input.botId, input.mode),
})

export const answerGap = memberAction({
  permission: "knowledge.write",
  input: answerGapInput.extend({ botId }),
  handle: ({ scope, input: { botId, ...input } }) => answerBotGap(scope, botId, input),
})

export const dismissGap = memberAction({
  permission: "conversations.write",
  input: dismissGapInput.extend({ botId }),
  handle: ({ scope, input }) => dismissBotGap(scope, input.botId, input.messageIds),
})

export const retestGaps = memberAction({
  permission: "knowledge.write",
  input: z.strictObject({ botId }),
  handle: ({ scope, input }) => retestBotGaps(scope, input.botId),
})
