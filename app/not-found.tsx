import type { Metadata } from "next"
import { ButtonLink } from "#components/ui/button.tsx"
import { TagMark } from "#components/ui/tag.tsx"

export const metadata: Metadata = { title: "Not found" }

export default function NotFound() {
  return (
    <main className="mx-auto flex min-h-dvh max-w-md flex-col items-center justify-center px-6 text-center">
      <TagMark look="outline" height={88} number="?" className="mb-6 -rotate-6" />
      <h1 className="text-20 font-semibold">Nothing hangs here</h1>
      <p className="mt-2 text-quiet">
        This address doesn’t exist, or it belongs to an account you’re not a member of.
      </p>
      <div className="mt-6 flex flex-wrap justify-center gap-2">
        <ButtonLink href="/console" look="action">
          Go to your bots
        </ButtonLink>
        <ButtonLink href="/">Front page</ButtonLink>
      </div>
    </main>
  )
}
