// biome-ignore-all lint/suspicious/noArrayIndexKey: a stored answer never changes, and its parts have no ids
// biome-ignore-all lint/a11y/noNoninteractiveTabindex: what scrolls sideways needs the keyboard too
import type { ReactNode } from "react"
import type { Inline } from "#components/widget/inline.ts"
import { type Block, parseMarkdown } from "#components/widget/markdown.ts"

/**
 * An answer as the visitor saw it, from the widget's own parser: text and a closed set of tags, never
 * HTML. Without links: nothing that a model wrote can be clicked by someone who is signed in.
 */
export function Prose({ text, citations }: { text: string; citations: readonly number[] }) {
  const blocks = parseMarkdown(text, {
    isPartial: false,
    resolveLink: () => null,
    hasCitation: (number) => citations.includes(number),
  })
  return (
    <div className="flex max-w-prose flex-col gap-3 leading-relaxed wrap-anywhere">
      {blocks.map(renderBlock)}
    </div>
  )
}

function renderBlock(block: Block, key: number): ReactNode {
  switch (block.kind) {
    case "paragraph":
      return (
        <p key={key} dir="auto">
          {block.content.map(renderInline)}
        </p>
      )
    case "heading":
      return (
        <p key={key} dir="auto" className="font-semibold">
          {block.content.map(renderInline)}
        </p>
      )
    case "code":
      return (
        <pre
          key={key}
          dir="ltr"
          tabIndex={0}
          className="overflow-x-auto rounded-control bg-sunken p-3 text-13"
        >
          <code>{block.text}</code>
        </pre>
      )
    case "quote":
      return (
        <blockquote key={key} dir="auto" className="border-s-2 border-hairline ps-4 text-quiet">
          {block.blocks.map(renderBlock)}
        </blockquote>
      )
    case "rule":
      return <hr key={key} className="border-hairline" />
    case "list": {
      const List = block.start === null ? "ul" : "ol"
      return (
        <List
          key={key}
          dir="auto"
          {...(block.start === null ? {} : { start: block.start })}
          className={block.start === null ? "list-disc ps-5" : "list-decimal ps-6"}
        >
          {block.items.map((item, at) => (
            <li key={at}>
              {item.map((child, index) =>
                child.kind === "paragraph" && index === 0
                  ? child.content.map(renderInline)
                  : renderBlock(child, index),
              )}
            </li>
          ))}
        </List>
      )
    }
    case "table":
      return (
        <div key={key} tabIndex={0} className="overflow-x-auto">
          <table dir="auto" className="text-14">
            <thead>
              <tr>
                {block.head.map((cell, at) => (
                  <th key={at} className="pe-4 pb-1 text-start font-medium">
                    {cell.map(renderInline)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {block.rows.map((row, at) => (
                <tr key={at} className="border-t border-hairline">
                  {row.map((cell, index) => (
                    <td key={index} className="py-1 pe-4 align-top">
                      {cell.map(renderInline)}
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

function renderInline(node: Inline, key: number): ReactNode {
  switch (node.kind) {
    case "text":
      return node.text
    case "break":
      return <br key={key} />
    case "code":
      return (
        <code key={key} className="rounded-tag bg-sunken px-1 text-13">
          {node.text}
        </code>
      )
    case "strong":
      return <strong key={key}>{node.content.map(renderInline)}</strong>
    case "emphasis":
      return <em key={key}>{node.content.map(renderInline)}</em>
    case "strike":
      return <s key={key}>{node.content.map(renderInline)}</s>
    case "link":
      return <span key={key}>{node.content.map(renderInline)}</span>
    case "citation":
      return (
        <sup key={key} className="ms-0.5 text-brass-ink tabular-nums">
          {node.number}
        </sup>
      )
  }
}
