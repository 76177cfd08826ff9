// biome-ignore-all lint/suspicious/noArrayIndexKey: an answer only grows at its end, and has no ids
// biome-ignore-all lint/a11y/noNoninteractiveTabindex: what scrolls sideways needs the keyboard too
import { type ComponentChildren, Fragment } from "preact"
import type { Inline } from "./inline.ts"
import type { Block } from "./markdown.ts"

type CitationButton = (number: number) => ComponentChildren

/**
 * An answer's tree as elements: text nodes and a closed set of tags, never HTML. `renderMark` draws a
 * citation in the block `at`, `renderAfter` what has to stand right under that block.
 */
export function Prose({
  blocks,
  renderMark,
  renderAfter,
}: {
  blocks: Block[]
  renderMark: (number: number, at: number) => ComponentChildren
  renderAfter: (at: number) => ComponentChildren
}) {
  return (
    <>
      {blocks.map((block, at) => (
        <Fragment key={at}>
          {renderBlock(block, at, (number) => renderMark(number, at))}
          {renderAfter(at)}
        </Fragment>
      ))}
    </>
  )
}

function renderBlock(block: Block, key: number, citation: CitationButton): ComponentChildren {
  const inline = (content: Inline[]) => renderInline(content, citation)
  switch (block.kind) {
    case "paragraph":
      return (
        <p key={key} dir="auto">
          {inline(block.content)}
        </p>
      )
    case "heading": {
      const Tag = block.level < 3 ? "h2" : "h3"
      return (
        <Tag key={key} dir="auto">
          {inline(block.content)}
        </Tag>
      )
    }
    case "code":
      return (
        <pre key={key} dir="ltr" tabIndex={0}>
          <code>{block.text}</code>
        </pre>
      )
    case "quote":
      return (
        <blockquote key={key} dir="auto">
          {block.blocks.map((child, at) => renderBlock(child, at, citation))}
        </blockquote>
      )
    case "rule":
      return <hr key={key} />
    case "list": {
      const items = block.items.map((item, at) => (
        <li key={at}>
          {item.map((child, index) =>
            child.kind === "paragraph" && index === 0
              ? inline(child.content)
              : renderBlock(child, index, citation),
          )}
        </li>
      ))
      return block.start === null ? (
        <ul key={key} dir="auto">
          {items}
        </ul>
      ) : (
        <ol key={key} start={block.start} dir="auto">
          {items}
        </ol>
      )
    }
    case "table":
      return (
        <div key={key} class="table" tabIndex={0}>
          <table dir="auto">
            <thead>
              <tr>
                {block.head.map((cell, at) => (
                  <th key={at}>{inline(cell)}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {block.rows.map((row, at) => (
                <tr key={at}>
                  {row.map((cell, index) => (
                    <td key={index}>{inline(cell)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )
  }
}

function renderInline(content: Inline[], citation: CitationButton): ComponentChildren {
  return content.map((node, at) => {
    const next = content[at + 1]
    if (node.kind === "text" && next?.kind === "citation") return splitLastWord(node.text)[0]
    if (node.kind === "citation") return renderMarks(content, at, citation)
    return renderNode(node, at, citation)
  })
}

/** A run of marks, held on one line with the word it proves: a tag alone at a line's start says nothing. */
function renderMarks(content: Inline[], at: number, citation: CitationButton): ComponentChildren {
  const before = content[at - 1]
  if (before?.kind === "citation") return null
  const marks: ComponentChildren[] = []
  for (let node = content[at]; node?.kind === "citation"; node = content[++at])
    marks.push(<Fragment key={at}>{citation(node.number)}</Fragment>)
  return (
    <span key={`marks-${at}`} class="held">
      {before?.kind === "text" && splitLastWord(before.text)[1]}
      {marks}
    </span>
  )
}

/** The last word, unless it is so long (or so unspaced, as in Chinese) that holding it would hurt. */
function splitLastWord(text: string): [string, string] {
  const at = text.search(/\S{1,24}$/)
  const isWhole = at <= 0 || /\s/.test(text[at - 1]!)
  return at >= 0 && isWhole ? [text.slice(0, at), text.slice(at)] : [text, ""]
}

function renderNode(
  node: Exclude<Inline, { kind: "citation" }>,
  key: number,
  citation: CitationButton,
): ComponentChildren {
  switch (node.kind) {
    case "text":
      return node.text
    case "break":
      return <br key={key} />
    case "code":
      return <code key={key}>{node.text}</code>
    case "strong":
      return <strong key={key}>{renderInline(node.content, citation)}</strong>
    case "emphasis":
      return <em key={key}>{renderInline(node.content, citation)}</em>
    case "strike":
      return <s key={key}>{renderInline(node.content, citation)}</s>
    case "link":
      return <SafeLink key={key} href={node.href} content={renderInline(node.content, citation)} />
  }
}

/** The only `<a>` there is. `href` has been through `linkResolver` or `toHref`. */
export function SafeLink({ href, content }: { href: string; content: ComponentChildren }) {
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {content}
    </a>
  )
}
