import type { ReactNode } from "react"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import type { ConversationView, MessageView } from "#lib/conversations/schema.ts"
import { formatNumber, formatSite } from "./format.ts"

type ConversationFactsProps = { conversation: ConversationView; messages: MessageView[] }

/** Where and how it was asked. The page's address comes from the visitor's browser: text, never a link. */
export function ConversationFacts({ conversation, messages }: ConversationFactsProps) {
  const titles = new Set(messages.flatMap((one) => one.citations.map((citation) => citation.title)))
  const facts: [label: string, value: ReactNode][] = [
    ["Website", formatSite(conversation.origin)],
    ["Page", pathOf(conversation.pageUrl)],
    ["Language", languageName(conversation.language)],
    ["Device", conversation.device],
    ["Started", <RelativeTime key="started" at={conversation.createdAt} />],
    ["Length", formatNumber(conversation.messageCount, "message")],
    ["Sources used", titles.size > 0 ? [...titles].join(", ") : "None"],
  ]
  return (
    <dl className="flex flex-col gap-3">
      {facts.map(([label, value]) =>
        value ? (
          <div key={label}>
            <dt className="text-13 text-quiet">{label}</dt>
            <dd className="wrap-anywhere">{value}</dd>
          </div>
        ) : null,
      )}
    </dl>
  )
}

function pathOf(url: string | null): string | null {
  if (!url) return null
  return URL.canParse(url) ? new URL(url).pathname : url
}

function languageName(code: string | null): string | null {
  if (!code) return null
  try {
    return new Intl.DisplayNames("en", { type: "language" }).of(code) ?? code
  } catch {
    return code
  }
}
