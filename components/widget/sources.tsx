import { useEffect, useRef } from "preact/hooks"
import type { Citation } from "./contract.ts"
import { closeIcon, outIcon } from "./icons.tsx"
import { toHref } from "./links.ts"
import { neutralize } from "./markdown.ts"
import { SafeLink } from "./prose.tsx"
import { fill, type Texts } from "./texts.ts"

/** Numbered tags, in the text (number only) or under it (with titles). Each opens its passage. */
export function SourceTags({
  citations,
  texts,
  id,
  shown,
  onToggle,
  hasTitles = false,
}: {
  citations: Citation[]
  texts: Texts
  id: string
  shown: number | null
  onToggle: (number: number, tag: HTMLElement) => void
  hasTitles?: boolean
}) {
  return (
    <>
      {citations.map(({ number, title }) => (
        <button
          key={number}
          type="button"
          class="tag"
          aria-label={`${fill(texts.source, number)}: ${neutralize(title)}`}
          aria-expanded={shown === number}
          aria-controls={shown === number ? `${id}-passage` : undefined}
          onClick={(event) => onToggle(number, event.currentTarget)}
        >
          <b>{number}</b>
          {hasTitles && <span dir="auto">{neutralize(title)}</span>}
        </button>
      ))}
    </>
  )
}

/** The passage an answer leans on, opened in place. Everything in it is text from a document. */
export function Passage({
  citation,
  id,
  texts,
  onClose,
}: {
  citation: Citation
  id: string
  texts: Texts
  onClose: () => void
}) {
  const section = useRef<HTMLElement>(null)
  const { number, title, heading, page, text, url } = citation
  const href = toHref(url ?? "")
  // biome-ignore lint/correctness/useExhaustiveDependencies: another passage is another place
  useEffect(() => section.current?.scrollIntoView({ block: "nearest" }), [number])
  const place = [heading, page && fill(texts.page, page)].filter(Boolean).join(" · ")
  return (
    <section
      class="passage"
      dir="auto"
      ref={section}
      id={`${id}-passage`}
      aria-label={fill(texts.source, number)}
    >
      <button type="button" class="icon small" aria-label={texts.hide} onClick={onClose}>
        {closeIcon}
      </button>
      <h2>{neutralize(title)}</h2>
      {place && <p class="place">{neutralize(place)}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long passage scrolls by keyboard too */}
      <blockquote tabIndex={0}>{neutralize(text)}</blockquote>
      {href && (
        <SafeLink
          href={href}
          content={
            <>
              {texts.openPage}
              {outIcon}
            </>
          }
        />
      )}
    </section>
  )
}
