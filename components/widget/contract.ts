/** What `/api/embed/` says to the widget (product.md, HTTP contract). Dates are ISO strings. */

export type Citation = {
  number: number
  chunkId: string
  sourceId: string
  title: string
  heading: string | null
  text: string
  url: string | null
  page: number | null
}

export type MessageView = {
  id: string
  role: "user" | "assistant"
  text: string
  status: "complete" | "streaming" | "interrupted" | "failed"
  isAnswered: boolean
  citations: Citation[]
  feedback: "up" | "down" | null
  createdAt: string
}

export type BotLook = {
  id: string
  name: string
  color: string
  greeting: string | null
  starters: string[]
  /** The owner's words for when messages or money are used up; empty: ours. */
  limitNote: string
  locale: string | null
  isTest: boolean
  /** Where links in answers may lead, besides the cited pages. */
  linkOrigins: string[]
}

export type SessionView = {
  token: string
  expiresIn: number
  sessionId: string
  visitorId: string
  visitorSecret: string
  bot: BotLook
  conversation: { id: string | null; messages: MessageView[] }
}

export type ProblemView = { code: string; title: string; detail: string }

/** `stored`: a retried question whose answer was already complete. */
export type AnswerMode = "model" | "quotes" | "none" | "stored"

/** The parts of the AI SDK's UI-message stream that mean something here. */
export type StreamPart =
  | { type: "start"; messageId?: string }
  | { type: "text-delta"; delta: string }
  | { type: "data-conversation"; data: { id: string } }
  | { type: "data-citation"; data: Citation }
  | {
      type: "data-answer"
      /** `isCapped`: quoted because the money is used up. */
      data: { isAnswered: boolean; mode: AnswerMode; offerLead: boolean; isCapped: boolean }
    }
  | { type: "data-problem"; data: ProblemView }
  | { type: "data-tool-confirmation"; data: ToolConfirmation }
  | { type: "data-revoked" }
  | { type: "error"; errorText: string }
  | { type: "finish" }
  | { type: "abort" }

/** A tool that writes and waits for the visitor's yes: nothing has run. */
export type ToolConfirmation = { callId: string; name: string; summary: string }

export type LeadInput = { name: string; email?: string; phone?: string; message: string }
