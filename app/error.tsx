"use client"

import { Button, ButtonLink } from "#components/ui/button.tsx"
import { TagMark } from "#components/ui/tag.tsx"

type Props = { error: unknown; retry: () => void }

export default function ErrorPage({ error, retry }: Props) {
  const code = error instanceof Error && "digest" in error ? String(error.digest) : null
  return (
    <main className="mx-auto flex min-h-dvh max-w-md flex-col items-center justify-center px-6 text-center">
      <TagMark look="outline" height={88} number="!" className="mb-6 -rotate-6" />
      <h1 className="text-20 font-semibold">Something went wrong on our side</h1>
      <p className="mt-2 text-quiet">
        Nothing you saved is lost. Try again in a moment
        {code ? `; if it stays, tell your operator code ${code}` : ""}.
      </p>
      <div className="mt-6 flex flex-wrap justify-center gap-2">
        <Button look="action" onClick={() => retry()}>
          Try again
        </Button>
        <ButtonLink href="/console">Go to your bots</ButtonLink>
      </div>
    </main>
  )
}
