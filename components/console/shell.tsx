"use client"

import Link from "next/link"
import { type ReactNode, useEffect, useState } from "react"
import { IconButton } from "#components/ui/button.tsx"
import { Drawer } from "#components/ui/drawer.tsx"
import { Icon } from "#components/ui/icon.tsx"
import { Wordmark } from "#components/ui/tag.tsx"
import { ToastProvider } from "#components/ui/toast.tsx"
import { type Account, AccountMenu } from "./account-menu.tsx"
import { type ConsoleFacts, ConsoleProvider } from "./console-context.tsx"
import { type BotEntry, Navigation } from "./navigation.tsx"
import { Palette } from "./palette.tsx"
import { type ConfirmPassword, PasswordGate } from "./password-gate.tsx"
import { routes } from "./routes.ts"

type ShellProps = {
  facts: ConsoleFacts
  bots: BotEntry[]
  account: Account
  confirmPassword: ConfirmPassword
  children: ReactNode
}

/** The frame around every console page: navigation at the start, a drawer on phones, ⌘K everywhere. */
export function Shell({ facts, bots, account, confirmPassword, children }: ShellProps) {
  const [isMenuOpen, setMenuOpen] = useState(false)
  const [isPaletteOpen, setPaletteOpen] = useState(false)

  useEffect(() => {
    function open(event: KeyboardEvent) {
      if (event.key.toLowerCase() !== "k" || !(event.metaKey || event.ctrlKey)) return
      event.preventDefault()
      setPaletteOpen((was) => !was)
    }
    window.addEventListener("keydown", open)
    return () => window.removeEventListener("keydown", open)
  }, [])

  return (
    <ConsoleProvider facts={facts}>
      <ToastProvider>
        <PasswordGate confirmPassword={confirmPassword} email={account.email}>
          <a
            href="#content"
            className="sr-only z-50 rounded-control bg-action px-4 py-2 text-on-action focus:not-sr-only focus:fixed focus:start-4 focus:top-4"
          >
            Skip to the page
          </a>
          <div className="flex min-h-dvh flex-col lg:flex-row">
            <header className="sticky top-0 z-30 flex items-center gap-1 border-b border-hairline bg-paper px-3 py-1.5 lg:hidden">
              <IconButton icon="menu" label="Menu" onClick={() => setMenuOpen(true)} />
              <Link href={routes.home(facts.tenantId)} className="ms-1 inline-flex rounded-tag">
                <Wordmark />
              </Link>
              <IconButton
                icon="search"
                label="Find anything"
                className="ms-auto"
                onClick={() => setPaletteOpen(true)}
              />
            </header>

            <aside className="sticky top-0 hidden h-dvh w-64 shrink-0 flex-col lg:flex">
              <div className="px-5 pt-5 pb-4">
                <Link href={routes.home(facts.tenantId)} className="inline-flex rounded-tag">
                  <Wordmark />
                </Link>
              </div>
              <div className="px-3 pb-4">
                <FindButton onOpen={() => setPaletteOpen(true)} />
              </div>
              <div className="min-h-0 flex-1 overflow-y-auto px-3 pb-4">
                <Navigation bots={bots} />
              </div>
              <div className="border-t border-hairline p-3">
                <AccountMenu account={account} />
              </div>
            </aside>

            <main
              id="content"
              tabIndex={-1}
              className="min-w-0 flex-1 border-hairline outline-none lg:border-s"
            >
              <div className="mx-auto w-full max-w-6xl px-4 py-6 sm:px-8 lg:py-8">{children}</div>
            </main>
          </div>

          <Drawer
            isOpen={isMenuOpen}
            onOpenChange={setMenuOpen}
            title="Menu"
            isTitleHidden
            side="start"
          >
            <div className="flex min-h-full flex-col p-3">
              <div className="flex-1">
                <Navigation bots={bots} onNavigate={() => setMenuOpen(false)} />
              </div>
              <div className="mt-6 border-t border-hairline pt-3">
                <AccountMenu account={account} />
              </div>
            </div>
          </Drawer>
          <Palette bots={bots} isOpen={isPaletteOpen} onOpenChange={setPaletteOpen} />
        </PasswordGate>
      </ToastProvider>
    </ConsoleProvider>
  )
}

function FindButton({ onOpen }: { onOpen: () => void }) {
  return (
    <button
      type="button"
      onClick={onOpen}
      className="flex min-h-9 w-full items-center gap-2.5 rounded-control border border-edge/60 bg-card px-2.5 text-14 text-quiet transition-colors hover:border-edge"
    >
      <Icon name="search" size={18} />
      <span className="flex-1 text-start">Find anything</span>
      <kbd className="font-sans text-13">⌘K</kbd>
    </button>
  )
}
