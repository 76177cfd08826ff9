import Link from "next/link"
import type { ReactNode } from "react"
import { Wordmark } from "#components/ui/tag.tsx"

export default function AuthLayout({ children }: { children: ReactNode }) {
  return (
    <div className="mx-auto flex min-h-dvh w-full max-w-[26rem] flex-col px-5 pt-10 pb-16 sm:pt-20">
      <header>
        <Link href="/" className="inline-flex rounded-tag">
          <Wordmark />
        </Link>
      </header>
      <main className="mt-8 rounded-card border border-hairline bg-card p-6 sm:p-8">
        {children}
      </main>
    </div>
  )
}
