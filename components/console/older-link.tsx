import { ButtonLink } from "#components/ui/button.tsx"

type OlderLinkProps = { cursor: string | null; label: string; keep?: Record<string, string> }

/** The next page of a list, as an address: Back works, and it can be shared. */
export function OlderLink({ cursor, label, keep = {} }: OlderLinkProps) {
  if (!cursor) return null
  return (
    <p className="mt-4 text-center">
      <ButtonLink href={`?${new URLSearchParams({ ...keep, cursor })}`}>{label}</ButtonLink>
    </p>
  )
}
