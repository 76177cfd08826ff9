/** Why somebody was turned away, in the owner's words; an unknown reason is shown as it is. */
const reasons: Record<string, string> = {
  origin_refused: "Came from a website you have not allowed",
  origin_required: "Came from no website at all, as programs do",
  key_dead: "Used a line that is switched off or replaced",
  session_dead: "Went on with a chat that was ended",
  ticket_dead: "Used an entry ticket twice or too late",
  rate_limited: "Too much in one minute",
  lead_limit: "Left their details too often",
  day_limit: "Over the messages of the day",
  stream_limit: "Too many answers at the same time",
  spend_cap: "Over the spending limit",
  spend_share: "Over one address’s share of the day’s money",
  address_blocked: "Came from an address you keep out",
  bot_check: "Did not pass the bot check",
}

export function formatRefusal(reason: string): string {
  return reasons[reason] ?? reason
}
