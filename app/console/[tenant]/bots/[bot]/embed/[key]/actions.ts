"use server"

import { z } from "zod"
import { memberAction } from "#lib/http/action.ts"
import {
  blockNetwork,
  endAllSessions,
  endSession,
  setVisitorBlocked as setTenantVisitorBlocked,
  unblockNetwork,
} from "#lib/incidents/commands.ts"
import { blockNetworkInput } from "#lib/incidents/schema.ts"
import { rotateEmbedKey } from "#lib/keys/commands.ts"
import { rotateInput } from "#lib/keys/schema.ts"

export const rotateKey = memberAction({
  permission: "keys.write",
  input: rotateInput.extend({ keyId: z.string() }),
  handle: ({ scope, input: { keyId, ...input } }) => rotateEmbedKey(scope, keyId, input),
})

export const endAllChats = memberAction({
  permission: "keys.write",
  input: z.strictObject({ keyId: z.string() }),
  handle: ({ scope, input }) => endAllSessions(scope, input.keyId),
})

export const endChat = memberAction({
  permission: "keys.write",
  input: z.strictObject({ sessionId: z.string() }),
  handle: ({ scope, input }) => endSession(scope, input.sessionId),
})

export const setVisitorBlocked = memberAction({
  permission: "keys.write",
  input: z.strictObject({ visitorId: z.string(), isBlocked: z.boolean() }),
  handle: ({ scope, input }) => setTenantVisitorBlocked(scope, input.visitorId, input.isBlocked),
})

export const keepOut = memberAction({
  permission: "keys.write",
  input: blockNetworkInput,
  handle: ({ scope, input }) => blockNetwork(scope, input.keyId, input.network),
})

export const letBackIn = memberAction({
  permission: "keys.write",
  input: z.strictObject({ blockId: z.string() }),
  handle: ({ scope, input }) => unblockNetwork(scope, input.blockId),
})
