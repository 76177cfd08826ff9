import Link from "next/link"
import { Badge } from "#components/ui/badge.tsx"
import { joinClasses } from "#components/ui/class-names.ts"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import type { ConversationFilter, ConversationView } from "#lib/conversations/schema.ts"
import { formatSite } from "./format.ts"

const filters: readonly { value: ConversationFilter; label: string }[] = [
  { value: "all", label: "All" },
  { value: "unanswered", label: "Unanswered" },
  { value: "thumbs_down", label: "Thumbs down" },
]

type ConversationListProps = {
  conversations: ConversationView[]
  base: string
  filter: ConversationFilter
  currentId: string | null
  olderHref: string | null
}

/** The inbox: what was asked first, where, when. Visitors' words are shown as text and nothing else. */
export function ConversationList(props: ConversationListProps) {
  const { conversations, base, filter, currentId, olderHref } = props
  const query = filter === "all" ? "" : `?filter=${filter}`
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <nav
        aria-label="Filter conversations"
        className="flex gap-1 overflow-x-auto border-b border-hairline p-2"
      >
        {filters.map((option) => (
          <Link
            key={option.value}
            href={option.value === "all" ? base : `${base}?filter=${option.value}`}
            aria-current={option.value === filter ? "true" : undefined}
            className={joinClasses(
              "inline-flex min-h-8 pointer-coarse:min-h-11 items-center whitespace-nowrap rounded-control px-2.5 text-13 font-medium transition-colors",
              option.value === filter ? "bg-sunken text-ink" : "text-quiet hover:text-ink",
            )}
          >
            {option.label}
          </Link>
        ))}
      </nav>
      {conversations.length === 0 ? (
        <p className="px-5 py-10 text-center text-quiet">
          {filter === "unanswered"
            ? "Every question found an answer."
            : filter === "thumbs_down"
              ? "Nobody was unhappy with an answer."
              : "No more conversations."}
        </p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        <ul aria-label="Conversations" tabIndex={0} className="min-h-0 flex-1 overflow-y-auto">
          {conversations.map((conversation) => (
            <li key={conversation.id} className="border-b border-hairline last:border-b-0">
              <Link
                href={`${base}/${conversation.id}${query}`}
                scroll={false}
                aria-current={conversation.id === currentId ? "true" : undefined}
                className={joinClasses(
                  "block px-4 py-3 -outline-offset-2 transition-colors",
                  conversation.id === currentId ? "bg-action-tint" : "hover:bg-sunken/60",
                )}
              >
                <span dir="auto" className="line-clamp-2 font-medium wrap-anywhere">
                  {conversation.preview || "No words"}
                </span>
                <span className="mt-1 flex items-center gap-2 text-13 text-quiet">
                  <RelativeTime at={conversation.lastMessageAt} className="shrink-0" />
                  <span className="min-w-0 flex-1 truncate">{formatSite(conversation.origin)}</span>
                  {conversation.isUnanswered ? <Badge tone="waiting">Unanswered</Badge> : null}
                </span>
              </Link>
            </li>
          ))}
          {olderHref ? (
            <li className="p-3 text-center">
              <Link
                href={olderHref}
                className="inline-flex min-h-9 items-center font-medium text-action underline underline-offset-2"
              >
                Older conversations
              </Link>
            </li>
          ) : null}
        </ul>
      )}
    </div>
  )
}
