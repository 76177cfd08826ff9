import Link from "next/link"
import type { ReactNode } from "react"
import { ButtonLink } from "#components/ui/button.tsx"
import { Wordmark } from "#components/ui/tag.tsx"
import { findUser } from "#lib/auth/session.ts"

export default async function MarketingLayout({ children }: { children: ReactNode }) {
  const user = await findUser()
  return (
    <div className="mx-auto flex min-h-dvh max-w-6xl flex-col px-5 sm:px-8">
      <header className="flex min-h-16 items-center justify-between gap-4 py-3">
        <Link href="/" className="inline-flex rounded-tag">
          <Wordmark />
        </Link>
        <nav aria-label="Account" className="flex items-center gap-2">
          {user ? (
            <ButtonLink href="/console">Open console</ButtonLink>
          ) : (
            <>
              <ButtonLink href="/sign-in" look="quiet">
                Sign in
              </ButtonLink>
              <ButtonLink href="/sign-up" className="max-[26rem]:hidden">
                Sign up
              </ButtonLink>
            </>
          )}
        </nav>
      </header>
      <main className="flex-1">{children}</main>
      <footer className="mt-24 flex flex-wrap items-center justify-between gap-4 border-t border-hairline py-8 text-13 text-quiet">
        <span>Coatcheck is open source under the MIT licence.</span>
        <nav aria-label="Footer" className="flex gap-5">
          <Link href="#safe" className="inline-flex min-h-6 items-center hover:text-ink">
            Is it safe?
          </Link>
          <Link href="/sign-in" className="inline-flex min-h-6 items-center hover:text-ink">
            Sign in
          </Link>
        </nav>
      </footer>
    </div>
  )
}
