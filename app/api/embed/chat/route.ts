import { chatBody } from "#lib/conversations/schema.ts"
import { beginTurn } from "#lib/conversations/turn.ts"
import { chatStreamResponse } from "#lib/http/chat-stream.ts"
import { route } from "#lib/http/route.ts"
import { takeChatRates } from "#lib/limits/chat.ts"
import { rateHeaders } from "#lib/limits/rates.ts"
import { withStreamLease } from "#lib/limits/streams.ts"

export const POST = route({
  auth: "session",
  permission: "chat.send",
  body: chatBody,
  handle: async ({ scope, limits, body, ip, signal }) => {
    const rate = await takeChatRates(scope, limits, ip)
    return withStreamLease(scope, ip, async (free) => {
      const turn = await beginTurn(scope, body, limits)
      return chatStreamResponse(scope, turn, { limits, signal, free, headers: rateHeaders(rate) })
    })
  },
})
