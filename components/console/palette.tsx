"use client"

import { useRouter } from "next/navigation"
import { signOut } from "next-auth/react"
import { Dialog } from "radix-ui"
import { useEffect, useId, useMemo, useRef, useState } from "react"
import { joinClasses } from "#components/ui/class-names.ts"
import { Icon, type IconName } from "#components/ui/icon.tsx"
import { useConsole } from "./console-context.tsx"
import { isMatch } from "./match.ts"
import { type BotEntry, businessPages } from "./navigation.tsx"
import { routes } from "./routes.ts"

type Entry = { id: string; label: string; group: string; icon: IconName; run: () => void }

const botPages: readonly [
  label: string,
  icon: IconName,
  href: (tenantId: string, botId: string) => string,
][] = [
  ["Overview", "chart", routes.bot],
  ["Conversations", "chat", routes.conversations],
  ["Knowledge", "book", routes.knowledge],
  ["Playground", "play", routes.playground],
  ["Embed", "code", routes.embed],
  ["Quality", "check", routes.quality],
  ["Gaps", "question", routes.gaps],
  ["Settings", "gear", routes.botSettings],
]

type PaletteProps = { bots: BotEntry[]; isOpen: boolean; onOpenChange: (isOpen: boolean) => void }

/** ⌘K: type a few letters, press Enter, be there. */
export function Palette({ bots, isOpen, onOpenChange }: PaletteProps) {
  return (
    <Dialog.Root open={isOpen} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 animate-appear bg-overlay" />
        <Dialog.Content
          aria-describedby={undefined}
          className="fixed inset-x-4 top-[12dvh] z-50 mx-auto flex max-h-[70dvh] max-w-xl animate-appear flex-col overflow-hidden rounded-card border border-hairline bg-card shadow-raised"
        >
          <Dialog.Title className="sr-only">Find anything</Dialog.Title>
          <PaletteList bots={bots} onDone={() => onOpenChange(false)} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

function PaletteList({ bots, onDone }: { bots: BotEntry[]; onDone: () => void }) {
  const entries = useEntries(bots)
  const [query, setQuery] = useState("")
  const [at, setAt] = useState(0)
  const listId = useId()
  const list = useRef<HTMLDivElement>(null)
  const found = useMemo(
    () => entries.filter((entry) => isMatch(`${entry.group} ${entry.label}`, query)),
    [entries, query],
  )
  const current = Math.min(at, found.length - 1)

  useEffect(() => {
    list.current?.querySelector(`[data-at="${current}"]`)?.scrollIntoView({ block: "nearest" })
  }, [current])

  function choose(entry: Entry | undefined) {
    if (!entry) return
    onDone()
    entry.run()
  }

  return (
    <>
      <div className="flex items-center gap-3 border-b border-hairline px-4">
        <Icon name="search" className="text-quiet" />
        <input
          role="combobox"
          aria-label="Find a bot, a page or an action"
          aria-expanded="true"
          aria-controls={listId}
          aria-activedescendant={found[current] ? `${listId}-${found[current].id}` : undefined}
          placeholder="Find a bot, a page or an action"
          className="min-h-12 flex-1 bg-transparent text-16 outline-none"
          value={query}
          onChange={(event) => {
            setQuery(event.target.value)
            setAt(0)
          }}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown") setAt(Math.min(current + 1, found.length - 1))
            else if (event.key === "ArrowUp") setAt(Math.max(current - 1, 0))
            else if (event.key === "Enter") choose(found[current])
            else return
            event.preventDefault()
          }}
        />
        <kbd className="rounded-tag border border-hairline px-1.5 font-sans text-13 text-quiet">
          Esc
        </kbd>
      </div>
      <div
        ref={list}
        id={listId}
        role="listbox"
        aria-label="Results"
        className="min-h-0 overflow-y-auto p-1.5"
      >
        {found.map((entry, index) => (
          // The input keeps the focus and handles the keys, as the combobox pattern asks.
          // biome-ignore lint/a11y/useKeyWithClickEvents: see above
          <div
            key={entry.id}
            id={`${listId}-${entry.id}`}
            data-at={index}
            role="option"
            tabIndex={-1}
            aria-selected={index === current}
            onClick={() => choose(entry)}
            onPointerMove={() => setAt(index)}
            className={joinClasses(
              "flex min-h-10 pointer-coarse:min-h-11 cursor-pointer items-center gap-3 rounded-control px-3 text-14",
              index === current && "bg-sunken",
            )}
          >
            <Icon name={entry.icon} size={18} className="text-quiet" />
            <span className="min-w-0 flex-1 truncate">{entry.label}</span>
            <span className="max-w-[40%] truncate text-13 text-quiet">{entry.group}</span>
          </div>
        ))}
      </div>
      <p role="status" className={found.length === 0 ? "px-5 py-6 text-quiet" : "sr-only"}>
        {found.length === 0 ? `Nothing matches “${query}”.` : `${found.length} results`}
      </p>
    </>
  )
}

function useEntries(bots: BotEntry[]): Entry[] {
  const { tenantId, permissions } = useConsole()
  const router = useRouter()
  return useMemo(() => {
    const go = (href: string) => () => router.push(href)
    const actions: Entry[] = [
      ...(permissions.includes("bots.write")
        ? [
            {
              id: "new-bot",
              label: "New bot",
              group: "Action",
              icon: "plus" as const,
              run: go(`${routes.home(tenantId)}?new=bot`),
            },
          ]
        : []),
      {
        id: "sign-out",
        label: "Sign out",
        group: "Action",
        icon: "arrow",
        run: () => void signOut({ callbackUrl: "/" }),
      },
    ]
    return [
      ...bots.map((bot) => ({
        id: bot.id,
        label: bot.name,
        group: "Bot",
        icon: "bot" as const,
        run: go(routes.bot(tenantId, bot.id)),
      })),
      ...businessPages
        .filter((page) => permissions.includes(page.permission))
        .map((page) => ({
          id: page.label,
          label: page.label,
          group: "Business",
          icon: page.icon,
          run: go(page.href(tenantId)),
        })),
      ...actions,
      ...bots.flatMap((bot) =>
        botPages.slice(1).map(([label, icon, href]) => ({
          id: `${bot.id}-${label}`,
          label,
          group: bot.name,
          icon,
          run: go(href(tenantId, bot.id)),
        })),
      ),
    ]
  }, [bots, tenantId, permissions, router])
}
