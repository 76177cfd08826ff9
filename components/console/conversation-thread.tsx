import { Badge } from "#components/ui/badge.tsx"
import { Icon } from "#components/ui/icon.tsx"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import type { Citation, MessageView } from "#lib/conversations/schema.ts"
import { Prose } from "./prose.tsx"
import { visibilityNotes } from "./source-visibility.tsx"

/** Who said what, with the sources under each answer. A visitor's words stay the text they are. */
export function ConversationThread({ messages }: { messages: MessageView[] }) {
  return (
    <ol className="flex flex-col gap-6">
      {messages.map((message) => (
        <li key={message.id} className="flex flex-col">
          {message.role === "user" ? (
            <VisitorMessage message={message} />
          ) : (
            <BotMessage message={message} />
          )}
        </li>
      ))}
    </ol>
  )
}

function VisitorMessage({ message }: { message: MessageView }) {
  return (
    <div className="flex max-w-[85%] flex-col items-end self-end">
      <p className="mb-1 text-13 text-quiet">
        Visitor · <RelativeTime at={message.createdAt} />
      </p>
      <p
        dir="auto"
        className="rounded-card bg-action-tint px-3.5 py-2 whitespace-pre-wrap wrap-anywhere"
      >
        {message.text}
      </p>
    </div>
  )
}

function BotMessage({ message }: { message: MessageView }) {
  return (
    <div className="flex flex-col">
      <p className="mb-1 flex flex-wrap items-center gap-x-2 gap-y-1 text-13 text-quiet">
        <span>
          Bot · <RelativeTime at={message.createdAt} />
        </span>
        {message.isAnswered ? null : <Badge tone="waiting">No answer found</Badge>}
        {message.status === "interrupted" ? <Badge>Cut off</Badge> : null}
        {message.status === "failed" ? <Badge tone="bad">Failed</Badge> : null}
        {message.status === "streaming" ? <Badge tone="waiting">Being written</Badge> : null}
        {message.feedback === "up" ? (
          <span className="inline-flex items-center gap-1 text-action">
            <Icon name="thumbsUp" size={16} /> Helpful
          </span>
        ) : null}
        {message.feedback === "down" ? (
          <span className="inline-flex items-center gap-1 text-danger">
            <Icon name="thumbsDown" size={16} /> Not helpful
          </span>
        ) : null}
      </p>
      <Prose text={message.text} citations={message.citations.map((each) => each.number)} />
      {message.citations.length > 0 ? (
        <ul aria-label="Sources of this answer" className="mt-3 flex flex-col gap-1.5">
          {message.citations.map((citation) => (
            <li key={citation.number}>
              <Passage citation={citation} />
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  )
}

function Passage({ citation }: { citation: Citation }) {
  return (
    <details className="group max-w-prose">
      <summary className="inline-flex min-h-7 pointer-coarse:min-h-11 max-w-full items-center gap-2 rounded-tag border border-brass bg-brass-tint px-2.5 text-13 text-brass-ink [&::-webkit-details-marker]:hidden">
        <span className="font-semibold tabular-nums">{citation.number}</span>
        <span className="min-w-0 truncate">
          {citation.title}
          {citation.page === null ? "" : `, page ${citation.page}`}
          {citation.visibility === "hidden" ? ` (${visibilityNotes.hidden})` : ""}
        </span>
        <Icon name="chevron" size={16} className="transition-transform group-open:rotate-180" />
      </summary>
      <blockquote
        dir="auto"
        className="mt-2 mb-2 border-s-2 border-brass ps-4 text-quiet whitespace-pre-wrap wrap-anywhere"
      >
        {citation.heading ? (
          <span className="block font-medium text-ink">{citation.heading}</span>
        ) : null}
        {citation.text}
      </blockquote>
    </details>
  )
}
