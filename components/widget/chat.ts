import type { Client } from "./client.ts"
import type {
  AnswerMode,
  BotLook,
  Citation,
  LeadInput,
  MessageView,
  SessionView,
  StreamPart,
  ToolConfirmation,
} from "./contract.ts"
import { readParts } from "./stream.ts"
import { describeRefusal, type Trouble, toTrouble } from "./trouble.ts"
import type { VisitorMemory } from "./visitor.ts"

export const maxMessageChars = 4_000

export type Turn = {
  /** Stable in this frame; the server's `id` may arrive later. */
  key: string
  id: string | null
  role: "user" | "assistant"
  text: string
  status: "waiting" | MessageView["status"]
  citations: Citation[]
  isAnswered: boolean
  mode: AnswerMode | null
  offersLead: boolean
  /** Quoted because the money is used up. */
  isCapped: boolean
  feedback: "up" | "down" | null
  /** Of the visitor's turn: sent again unchanged, so that a retry is one message. */
  clientMessageId: string | null
  /** Of an answer: what waits for the visitor's yes. Gone once they have decided. */
  confirmation: ToolConfirmation | null
  /** Of the visitor's turn: a decision instead of words. */
  decision: { callId: string; isApproved: boolean } | null
  trouble: Trouble | null
}

export type ChatState = {
  phase: "connecting" | "ready" | "closed"
  bot: Partial<BotLook>
  turns: Turn[]
  draft: string
  isAnswering: boolean
  isOnline: boolean
  /** Why the chat is closed, or why what is in the composer was not taken. */
  trouble: Trouble | null
}

export type Chat = {
  state: () => ChatState
  subscribe: (listener: () => void) => () => void
  connect: () => Promise<void>
  setLook: (look: Partial<BotLook>) => void
  setDraft: (text: string) => void
  setOnline: (isOnline: boolean) => void
  send: (text?: string) => Promise<void>
  /** Of a question that was not sent, or of an answer that broke off. */
  retry: (turn: Turn) => Promise<void>
  stop: () => void
  /** null takes a thumb back. */
  rate: (turn: Turn, value: "up" | "down" | null) => Promise<void>
  /** Says yes or no to what an answer wants to do. */
  decide: (turn: Turn, isApproved: boolean) => Promise<void>
  leave: (lead: LeadInput) => Promise<void>
  erase: () => Promise<void>
}

/** The conversation as the visitor sees it, and every way it changes. Knows nothing of the DOM. */
export function createChat(client: Client, memory: VisitorMemory): Chat {
  const listeners = new Set<() => void>()
  let abort: AbortController | null = null
  let hasTranscript = false
  let state: ChatState = {
    phase: "connecting",
    bot: {},
    turns: [],
    draft: "",
    isAnswering: false,
    isOnline: true,
    trouble: null,
  }

  const set = (patch: Partial<ChatState>) => {
    state = { ...state, ...patch }
    for (const listener of listeners) listener()
  }
  const change = (key: string, patch: Partial<Turn>) =>
    set({ turns: state.turns.map((turn) => (turn.key === key ? { ...turn, ...patch } : turn)) })

  /** The transcript is taken once; after a cut, what is on the screen stays. */
  const adopt = ({ bot, conversation }: SessionView) => {
    const earlier = hasTranscript ? [] : conversation.messages.map(toTurn)
    hasTranscript = true
    set({ phase: "ready", bot, turns: [...earlier, ...state.turns], trouble: null })
  }

  const connect = async () => {
    set({ phase: "connecting", trouble: null })
    try {
      adopt(await client.connect())
    } catch (error) {
      set({ phase: "closed", trouble: toTrouble(error) })
    }
  }

  /** Takes back what was not accepted: the words return to the composer, nothing is lost. */
  const takeBack = (question: Turn, trouble: Trouble | null) => {
    const at = state.turns.findIndex((turn) => turn.key === question.key)
    const words = question.decision ? "" : question.text
    const draft = [words, state.draft].filter(Boolean).join("\n")
    set({
      turns: state.turns.slice(0, at),
      draft,
      trouble,
      phase: trouble?.kind === "unavailable" ? "closed" : state.phase,
    })
  }

  const ask = async (question: Turn) => {
    const answer = newTurn("assistant", "")
    abort = new AbortController()
    set({ turns: [...state.turns, answer], isAnswering: true, trouble: null })
    let isAccepted = false
    try {
      const response = await client.request("chat", {
        method: "POST",
        body: JSON.stringify(
          question.decision
            ? { confirm: question.decision }
            : { message: question.text, clientMessageId: question.clientMessageId },
        ),
        signal: abort.signal,
      })
      isAccepted = true
      memory.keep()
      change(question.key, { status: "complete", trouble: null })
      const isFinished = await follow(answer.key, response.body!)
      const { status } = find(answer.key)
      if (!isFinished && status !== "failed" && status !== "interrupted")
        change(answer.key, { status: "interrupted", trouble: { kind: "offline" } })
    } catch (error) {
      const trouble = toTrouble(error)
      if (abort.signal.aborted) {
        if (find(answer.key).text || isAccepted) change(answer.key, { status: "interrupted" })
        else takeBack(question, null)
      } else if (isAccepted) {
        change(answer.key, { status: "interrupted", trouble })
      } else if (trouble.kind === "unavailable" || trouble.kind === "invalid") {
        takeBack(question, trouble)
      } else {
        set({ turns: state.turns.filter((turn) => turn.key !== answer.key) })
        change(question.key, { status: "failed", trouble })
      }
    } finally {
      abort = null
      set({ isAnswering: false })
    }
  }

  /** Applies an answer's parts as they come. True once the server said it is complete. */
  const follow = async (key: string, body: ReadableStream<Uint8Array>): Promise<boolean> => {
    for await (const part of readParts(body)) {
      const patch = applyPart(find(key), part)
      if (patch) change(key, patch)
      if (part.type === "data-revoked") {
        client.reset()
        set({ phase: "closed", trouble: { kind: "unavailable" } })
      }
      if (part.type === "finish") return true
    }
    return false
  }

  const find = (key: string) =>
    state.turns.find((turn) => turn.key === key) ?? newTurn("assistant", "")

  const request = async (path: string, method: string, body?: object) => {
    await client.request(path, { method, ...(body && { body: JSON.stringify(body) }) })
  }

  return {
    state: () => state,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    connect,
    setLook: (look) => {
      if (state.phase === "connecting") set({ bot: { ...look, ...state.bot } })
    },
    setDraft: (draft) => set({ draft, trouble: state.phase === "closed" ? state.trouble : null }),
    setOnline: (isOnline) => {
      set({ isOnline })
      if (isOnline && state.phase === "closed" && state.trouble?.kind === "offline") connect()
    },
    async send(text) {
      const words = (text ?? state.draft).trim()
      const isBlocked = state.isAnswering || !state.isOnline || state.phase === "closed"
      if (!words || words.length > maxMessageChars || isBlocked) return
      const question = { ...newTurn("user", words), clientMessageId: newMessageId() }
      set({ turns: [...state.turns, question], ...(text === undefined && { draft: "" }) })
      await ask(question)
    },
    async retry(turn) {
      const at = state.turns.findIndex(({ key }) => key === turn.key)
      const from = turn.role === "user" ? at : at - 1
      const question = state.turns[from]
      if (!question?.clientMessageId || state.isAnswering) return
      // Its answer so far goes, and it moves to the end, where its new answer will be.
      const isAnswer = state.turns[from + 1]?.role === "assistant"
      const rest = state.turns.filter(
        (_, index) => index !== from && !(isAnswer && index === from + 1),
      )
      const again: Turn = { ...question, status: "waiting", trouble: null }
      set({ turns: [...rest, again] })
      await ask(again)
    },
    stop: () => abort?.abort(),
    async rate(turn, value) {
      if (!turn.id) return
      change(turn.key, { feedback: value })
      try {
        await request("feedback", "POST", { messageId: turn.id, value })
      } catch {
        change(turn.key, { feedback: turn.feedback })
      }
    },
    async decide(turn, isApproved) {
      const { confirmation } = turn
      const isBlocked = state.isAnswering || !state.isOnline || state.phase === "closed"
      if (!confirmation || isBlocked) return
      const { callId, name } = confirmation
      change(turn.key, { confirmation: null })
      const question = {
        ...newTurn("user", `${isApproved ? "✓" : "✗"} ${name.replaceAll("_", " ")}`),
        clientMessageId: `confirm:${callId}`,
        decision: { callId, isApproved },
      }
      set({ turns: [...state.turns, question] })
      await ask(question)
    },
    leave: (lead) => request("leads", "POST", lead),
    async erase() {
      abort?.abort()
      await request("conversation", "DELETE")
      memory.forget()
      client.reset()
      set({ turns: [] })
      await connect()
    },
  }
}

/** What a part of the stream changes in the answer; null when it changes nothing. */
export function applyPart(turn: Turn, part: StreamPart): Partial<Turn> | null {
  switch (part.type) {
    case "start":
      return { id: part.messageId ?? null, status: "streaming" }
    case "text-delta":
      return { text: turn.text + part.delta, status: "streaming" }
    case "data-citation": {
      const others = turn.citations.filter(({ number }) => number !== part.data.number)
      return { citations: [...others, part.data].sort((a, b) => a.number - b.number) }
    }
    case "data-answer": {
      const { isAnswered, mode, offerLead, isCapped } = part.data
      return { isAnswered, mode, offersLead: offerLead, isCapped }
    }
    case "data-tool-confirmation":
      return { confirmation: part.data }
    case "data-problem": {
      const status = part.data.code === "day_limit" ? 429 : 500
      return { status: "failed", trouble: describeRefusal(status, part.data).trouble }
    }
    case "error":
      return { status: "failed", trouble: turn.trouble ?? { kind: "server" } }
    case "data-revoked":
      return { status: "interrupted", trouble: { kind: "unavailable" } }
    case "abort":
      return { status: "interrupted" }
    case "finish":
      return turn.status === "failed" ? null : { status: "complete" }
    default:
      return null
  }
}

function newTurn(role: Turn["role"], text: string): Turn {
  return {
    key: newMessageId(),
    id: null,
    role,
    text,
    status: "waiting",
    citations: [],
    isAnswered: true,
    mode: null,
    offersLead: false,
    isCapped: false,
    feedback: null,
    clientMessageId: null,
    confirmation: null,
    decision: null,
    trouble: null,
  }
}

const toTurn = (message: MessageView): Turn => ({
  ...newTurn(message.role, message.text),
  key: message.id,
  id: message.id,
  status: message.status === "streaming" ? "interrupted" : message.status,
  citations: message.citations,
  isAnswered: message.isAnswered,
  feedback: message.feedback,
})

/** 128 random bits. Not `randomUUID`: that is missing where a deployment has no https yet. */
function newMessageId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
}
