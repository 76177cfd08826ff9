"use server"

import { z } from "zod"
import { memberAction } from "#lib/http/action.ts"
import { createGolden, tryQuestion as tryBotQuestion } from "#lib/quality/commands.ts"
import { createGoldenInput, tryQuestionInput } from "#lib/quality/schema.ts"

const botId = z.string()

export const tryQuestion = memberAction({
  permission: "knowledge.read",
  rate: "trial.tenant",
  input: tryQuestionInput.extend({ botId }),
  handle: ({ scope, input: { botId, ...input } }) => tryBotQuestion(scope, botId, input),
})

export const saveGolden = memberAction({
  permission: "knowledge.write",
  input: createGoldenInput.omit({ provenance: true, phrase: true }).extend({ botId }),
  handle: ({ scope, input: { botId, ...input } }) =>
    createGolden(scope, botId, { ...input, provenance: "playground" }),
})
