import { z } from "zod"
import { visibilities } from "#lib/knowledge/schema.ts"

export const citation = z.strictObject({
  number: z.number().int(),
  chunkId: z.string(),
  sourceId: z.string(),
  title: z.string(),
  heading: z.string(),
  text: z.string(),
  url: z.string().nullable(),
  page: z.number().int().nullable(),
  /** What the visitor sees of it: an owner's choice for each source. */
  visibility: z.enum(visibilities),
})
export type Citation = z.infer<typeof citation>

/** As its visitor gets it: what is hidden from them is not among them, a link only where it is shown. */
export type VisitorCitation = Omit<Citation, "visibility">

export const messageStatuses = ["complete", "streaming", "interrupted", "failed"] as const
export type MessageStatus = (typeof messageStatuses)[number]

export const messageView = z.strictObject({
  id: z.string(),
  role: z.enum(["user", "assistant"]),
  text: z.string(),
  status: z.enum(messageStatuses),
  isAnswered: z.boolean(),
  citations: z.array(citation),
  feedback: z.enum(["up", "down"]).nullable(),
  createdAt: z.string(),
})
export type MessageView = z.infer<typeof messageView>
export type VisitorMessage = Omit<MessageView, "citations"> & { citations: VisitorCitation[] }

export const conversationView = z.strictObject({
  id: z.string(),
  botId: z.string(),
  origin: z.string(),
  pageUrl: z.string().nullable(),
  language: z.string().nullable(),
  device: z.string().nullable(),
  messageCount: z.number().int(),
  isUnanswered: z.boolean(),
  preview: z.string(),
  createdAt: z.string(),
  lastMessageAt: z.string(),
})
export type ConversationView = z.infer<typeof conversationView>

export const conversationThread = conversationView.extend({ messages: z.array(messageView) })
export type ConversationThread = z.infer<typeof conversationThread>

export const conversationFilters = ["all", "unanswered", "thumbs_down"] as const
export type ConversationFilter = (typeof conversationFilters)[number]

/** Counted in UTF-16 code units, as `maxLength` of a textarea counts. */
export const chatInput = z.object({
  message: z
    .string()
    .max(4_000, "Keep the message under 4,000 characters.")
    .refine((text) => text.trim().length > 0, "Write a question first."),
  clientMessageId: z
    .string()
    .regex(/^[A-Za-z0-9._:-]{1,100}$/, "Use letters, digits and . _ : - only.")
    .optional(),
})

/** A question, or the visitor's word on a call that waits for it. */
export const chatBody = chatInput
  .extend({
    message: chatInput.shape.message.optional(),
    confirm: z.strictObject({ callId: z.string().max(60), isApproved: z.boolean() }).optional(),
  })
  .superRefine(({ message, confirm }, context) => {
    if ((message === undefined) === (confirm === undefined))
      context.addIssue({ code: "custom", path: ["message"], message: "Write a question first." })
  })
export type ChatInput = z.infer<typeof chatBody>

export const feedbackInput = z.strictObject({
  messageId: z.string(),
  value: z.enum(["up", "down"]).nullable(),
})

export type OverviewDay = { date: string; conversations: number; messages: number }
export type BotOverview = {
  conversationCount: number
  messageCount: number
  answeredCount: number
  unansweredCount: number
  days: OverviewDay[]
}

export type Checklist = {
  isNamed: boolean
  hasSource: boolean
  hasQuestion: boolean
  hasSite: boolean
  seen: { origin: string; at: string } | null
}
