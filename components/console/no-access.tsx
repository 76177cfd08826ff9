import { EmptyState } from "#components/ui/empty-state.tsx"

/** A page one's role does not include: said plainly, without showing what is on it. */
export function NoAccess({ what }: { what: string }) {
  return (
    <EmptyState title="Not part of your role" number="–" isPage>
      Owners and admins of your business can see {what}. Ask one of them.
    </EmptyState>
  )
}
