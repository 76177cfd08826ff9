import { sessionInput } from "#lib/admission/schema.ts"
import { redeemTicket } from "#lib/admission/sessions.ts"
import { getTranscript } from "#lib/conversations/queries.ts"
import { json, route } from "#lib/http/route.ts"

export const POST = route({
  auth: "public",
  body: sessionInput,
  bodyBytes: 16 * 1024,
  handle: async ({ body, request, ip }) => {
    const opened = await redeemTicket(body, {
      ip,
      userAgent: request.headers.get("user-agent"),
      origin: request.headers.get("origin"),
    })
    const { token, expiresIn, sessionId, visitorId, visitorSecret, bot, origin, mode } = opened
    const conversation = opened.isReturning
      ? await getTranscript(opened.scope)
      : { id: null, messages: [] }
    return json(
      {
        token,
        expiresIn,
        sessionId,
        visitorId,
        visitorSecret,
        bot: {
          id: bot.id,
          name: bot.name,
          color: bot.color,
          greeting: bot.greeting,
          starters: bot.starters,
          limitNote: bot.limitNote,
          locale: bot.locale,
          isTest: mode === "test",
          linkOrigins: [origin],
        },
        conversation,
      },
      201,
    )
  },
})
