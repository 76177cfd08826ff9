import { ButtonLink } from "#components/ui/button.tsx"
import { EmptyState } from "#components/ui/empty-state.tsx"

export default function NotFound() {
  return (
    <EmptyState
      title="Nothing hangs here"
      number="?"
      action={<ButtonLink href="/console">Go to your bots</ButtonLink>}
    >
      It was deleted, or the address is wrong.
    </EmptyState>
  )
}
