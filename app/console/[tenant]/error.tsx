"use client"

import { Button } from "#components/ui/button.tsx"
import { EmptyState } from "#components/ui/empty-state.tsx"

type Props = { error: unknown; retry: () => void }

export default function ConsoleError({ error, retry }: Props) {
  const code = error instanceof Error && "digest" in error ? String(error.digest) : null
  return (
    <EmptyState
      title="This page could not be shown"
      number="!"
      isPage
      action={
        <Button look="action" onClick={() => retry()}>
          Try again
        </Button>
      }
    >
      Nothing you saved is lost.{code ? ` If it stays, tell your operator code ${code}.` : ""}
    </EmptyState>
  )
}
