"use server"

import { z } from "zod"
import {
  changePassword as changeUserPassword,
  confirmPassword as confirmUserPassword,
  endSignInOf,
} from "#lib/auth/commands.ts"
import {
  changePasswordInput,
  changeRoleInput,
  confirmPasswordInput,
  endSignInInput,
  removeMemberInput,
} from "#lib/auth/schema.ts"
import {
  changeRole as changeMemberRole,
  removeMember as removeTenantMember,
} from "#lib/auth/team.ts"
import { createBot as createTenantBot } from "#lib/bots/commands.ts"
import { createBotInput } from "#lib/bots/schema.ts"
import { tryTenantModel } from "#lib/chat/commands.ts"
import { memberAction, userAction } from "#lib/http/action.ts"
import {
  createApiKey as createTenantApiKey,
  deleteApiKey as deleteTenantApiKey,
  rotateApiKey as rotateTenantApiKey,
} from "#lib/keys/api-keys.ts"
import { createApiKeyInput, rotateInput } from "#lib/keys/schema.ts"
import { updateLead as updateTenantLead } from "#lib/leads/commands.ts"
import { updateLeadInput } from "#lib/leads/schema.ts"
import { removeTenantModel, saveTenantModel } from "#lib/models/commands.ts"
import { saveModelInput } from "#lib/models/schema.ts"

export const createBot = memberAction({
  permission: "bots.write",
  input: createBotInput,
  handle: ({ scope, input }) => createTenantBot(scope, input),
})

export const createApiKey = memberAction({
  permission: "apiKeys.write",
  needsRecentPassword: true,
  input: createApiKeyInput,
  handle: ({ scope, input }) => createTenantApiKey(scope, input),
})

export const rotateApiKey = memberAction({
  permission: "apiKeys.write",
  needsRecentPassword: true,
  input: rotateInput.extend({ keyId: z.string() }),
  handle: ({ scope, input: { keyId, ...input } }) => rotateTenantApiKey(scope, keyId, input),
})

export const deleteApiKey = memberAction({
  permission: "apiKeys.write",
  input: z.strictObject({ keyId: z.string() }),
  handle: ({ scope, input }) => deleteTenantApiKey(scope, input.keyId),
})

export const updateLead = memberAction({
  permission: "leads.write",
  input: updateLeadInput.extend({ leadId: z.string() }),
  handle: ({ scope, input: { leadId, ...input } }) => updateTenantLead(scope, leadId, input),
})

export const saveModel = memberAction({
  permission: "tenant.write",
  needsRecentPassword: true,
  input: saveModelInput,
  handle: ({ scope, input }) => saveTenantModel(scope, input),
})

export const removeModel = memberAction({
  permission: "tenant.write",
  input: z.strictObject({}),
  handle: ({ scope }) => removeTenantModel(scope),
})

export const tryModel = memberAction({
  permission: "tenant.write",
  input: z.strictObject({}),
  handle: ({ scope }) => tryTenantModel(scope),
})

export const changePassword = userAction({
  input: changePasswordInput,
  handle: ({ signInId, ip, input }) => changeUserPassword(signInId, input, ip),
})

export const confirmPassword = userAction({
  input: confirmPasswordInput,
  handle: ({ signInId, ip, input }) => confirmUserPassword(signInId, input, ip),
})

export const endSignIn = userAction({
  input: endSignInInput,
  handle: ({ signInId, ip, input }) => endSignInOf(signInId, input, ip),
})

export const changeRole = memberAction({
  permission: "members.write",
  input: changeRoleInput,
  handle: ({ scope, input }) => changeMemberRole(scope, input),
})

export const removeMember = memberAction({
  permission: "members.write",
  input: removeMemberInput,
  handle: ({ scope, input }) => removeTenantMember(scope, input),
})
