import { hideMarkers } from "#lib/chat/citations.ts"
import type { Visibility } from "#lib/knowledge/schema.ts"
import type { Tx } from "#lib/tenancy/database.ts"
import type { Citation, MessageView, VisitorCitation, VisitorMessage } from "./schema.ts"

// What visitors see of the sources under an answer is the owner's choice, source by source, and holds for
// earlier answers as well. The answers themselves are stored whole: the owner reads them so.

/** A citation as its visitor sees it; null for a source that is hidden from them. */
export function showCitation({ visibility, ...citation }: Citation): VisitorCitation | null {
  if (visibility === "hidden") return null
  return visibility === "title" ? { ...citation, url: null } : citation
}

/** A message as its visitor sees it: without sources that are hidden from them, and their numbers. */
function showMessage(message: MessageView): VisitorMessage {
  const hidden = message.citations.filter(({ visibility }) => visibility === "hidden")
  return {
    ...message,
    text: hideMarkers(message.text, new Set(hidden.map(({ number }) => number))),
    citations: message.citations.flatMap((citation) => showCitation(citation) ?? []),
  }
}

/** Messages as their visitor sees them: by what the owner says of each source now, or said while it was there. */
export async function showMessages(tx: Tx, messages: MessageView[]): Promise<VisitorMessage[]> {
  const ids = new Set(messages.flatMap(({ citations }) => citations.map((each) => each.sourceId)))
  const rows =
    ids.size === 0
      ? []
      : await tx.source.findMany({
          where: { id: { in: [...ids] } },
          select: { id: true, visibility: true },
        })
  const now = new Map(rows.map(({ id, visibility }) => [id, visibility as Visibility]))
  return messages.map((message) =>
    showMessage({
      ...message,
      citations: message.citations.map((citation) => ({
        ...citation,
        visibility: now.get(citation.sourceId) ?? citation.visibility,
      })),
    }),
  )
}
