import { env } from "#lib/env.ts"

/** The product on its own front page: the same line every customer pastes, with the demo's key. */
export function DemoBot({ embedKey }: { embedKey: string | null }) {
  if (!embedKey) return null
  return (
    <>
      <p className="mt-8 max-w-lg border-s-2 border-brass ps-4 text-14 text-quiet">
        The button in the corner of this page is a real one. Ask it about delivery or returns.
      </p>
      <script async src={`${env.WIDGET_URL}/embed.js`} data-key={embedKey} />
    </>
  )
}
