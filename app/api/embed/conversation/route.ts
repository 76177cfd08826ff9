import { forgetVisitor } from "#lib/conversations/commands.ts"
import { getTranscript } from "#lib/conversations/queries.ts"
import { json, noContent, route } from "#lib/http/route.ts"

export const GET = route({
  auth: "session",
  permission: "chat.read",
  handle: async ({ scope }) => json(await getTranscript(scope)),
})

export const DELETE = route({
  auth: "session",
  permission: "chat.read",
  handle: async ({ scope }) => {
    await forgetVisitor(scope)
    return noContent()
  },
})
