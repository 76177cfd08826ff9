// biome-ignore-all lint/suspicious/noArrayIndexKey: an answer only grows at its end, and has no ids
// biome-ignore-all lint/a11y/noNoninteractiveTabindex: what scrolls sideways needs the keyboard too
import { type ComponentChildren, Fragment } from "preact"
import type { Block, Inline } from "./markdown.ts"

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
      const Tag = block.level < 3 ? "h3" : "h4"
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
        <li key={at} dir="auto">
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
          <table>
            <thead>
              <tr>
                {block.head.map((cell, at) => (
                  <th key={at} dir="auto">
                    {inline(cell)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {block.rows.map((row, at) => (
                <tr key={at}>
                  {row.map((cell, index) => (
                    <td key={index} dir="auto">
                      {inline(cell)}
                    </td>
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
  return content.map((node, key) => {
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
        return (
          <SafeLink key={key} href={node.href} content={renderInline(node.content, citation)} />
        )
      default:
        // The word joiner keeps the tag on the line of what it proves.
        return (
          <Fragment key={key}>
            {"\u2060"}
            {citation(node.number)}
          </Fragment>
        )
    }
  })
}

/** The only `<a>` there is. `href` has been through `linkResolver` or `toHref`. */
export function SafeLink({ href, content }: { href: string; content: ComponentChildren }) {
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {content}
    </a>
  )
}
