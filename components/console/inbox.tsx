import Link from "next/link"
import { ButtonLink } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { joinClasses } from "#components/ui/class-names.ts"
import { EmptyState } from "#components/ui/empty-state.tsx"
import { Icon } from "#components/ui/icon.tsx"
import type {
  ConversationFilter,
  ConversationView,
  ConversationThread as Thread,
} from "#lib/conversations/schema.ts"
import { ConversationFacts } from "./conversation-facts.tsx"
import { ConversationList } from "./conversation-list.tsx"
import { ConversationThread } from "./conversation-thread.tsx"

type InboxProps = {
  base: string
  embedHref: string
  filter: ConversationFilter
  conversations: ConversationView[]
  nextCursor: string | null
  opened: Thread | null
}

/** List, thread and facts side by side; on a phone one after the other. */
export function Inbox(props: InboxProps) {
  const { base, embedHref, filter, conversations, nextCursor, opened } = props
  if (conversations.length === 0 && filter === "all" && !opened) {
    return (
      <Card>
        <EmptyState
          title="No conversations yet"
          action={<ButtonLink href={embedHref}>See where the bot hangs</ButtonLink>}
        >
          What visitors ask on your websites appears here, with the answers and their sources. Your
          own previews don’t.
        </EmptyState>
      </Card>
    )
  }
  const query = filter === "all" ? "" : `?filter=${filter}`
  const older = nextCursor
    ? `${base}?${new URLSearchParams({ ...(filter === "all" ? {} : { filter }), cursor: nextCursor })}`
    : null
  return (
    <div className="grid grid-cols-1 overflow-hidden rounded-card border border-hairline bg-card lg:h-[calc(100dvh-11.5rem)] lg:min-h-[30rem] lg:grid-cols-[20rem_minmax(0,1fr)]">
      <div
        className={joinClasses(
          "min-h-0 flex-col border-hairline lg:flex lg:border-e",
          opened ? "hidden" : "flex",
        )}
      >
        <ConversationList
          conversations={conversations}
          base={base}
          filter={filter}
          currentId={opened?.id ?? null}
          olderHref={older}
        />
      </div>
      {opened ? (
        <div className="grid min-h-0 grid-cols-1 xl:grid-cols-[minmax(0,1fr)_15rem]">
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
          <section aria-label="Thread" tabIndex={0} className="min-h-0 overflow-y-auto p-5 sm:p-6">
            <Link
              href={`${base}${query}`}
              className="mb-4 inline-flex min-h-11 items-center gap-2 font-medium text-action lg:hidden"
            >
              <Icon name="back" size={18} className="rtl:-scale-x-100" />
              All conversations
            </Link>
            <ConversationThread messages={opened.messages} />
          </section>
          <aside
            aria-label="Facts"
            className="border-t border-hairline p-5 xl:overflow-y-auto xl:border-s xl:border-t-0"
          >
            <ConversationFacts conversation={opened} messages={opened.messages} />
          </aside>
        </div>
      ) : (
        <div className="hidden items-center justify-center lg:flex">
          <EmptyState title="Pick a conversation" number="7">
            The thread opens here, with the sources behind each answer.
          </EmptyState>
        </div>
      )}
    </div>
  )
}
