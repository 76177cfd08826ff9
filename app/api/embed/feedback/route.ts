import { giveFeedback } from "#lib/conversations/commands.ts"
import { feedbackInput } from "#lib/conversations/schema.ts"
import { noContent, route } from "#lib/http/route.ts"

export const POST = route({
  auth: "session",
  permission: "chat.send",
  body: feedbackInput,
  handle: async ({ scope, body }) => {
    await giveFeedback(scope, body)
    return noContent()
  },
})
