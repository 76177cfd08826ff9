import { ButtonLink } from "#components/ui/button.tsx"
import { EmptyState } from "#components/ui/empty-state.tsx"

export default function NotFound() {
  return (
    <>
      <title>Not found · Coatcheck</title>
      <EmptyState
        title="Nothing hangs here"
        number="?"
        isPage
        action={<ButtonLink href="/console">Go to your bots</ButtonLink>}
      >
        It was deleted, or the address is wrong.
      </EmptyState>
    </>
  )
}
