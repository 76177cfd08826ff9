import { Readability } from "@mozilla/readability"
import { parseHTML } from "linkedom"
import { decodeText } from "./file-type.ts"
import { type HtmlNode, writeHtml } from "./html-text.ts"

export type HtmlPage = {
  title: string
  text: string
  /** Absolute http(s) addresses the page links to, without fragments, each once. */
  links: string[]
  /** Where a `meta` refresh leads, and the two things a page may ask of robots. */
  refresh: string | null
  isNoIndex: boolean
  isNoFollow: boolean
}

const maxLinks = 2_000
/**
 * The found "article" stands for the page when it leaves out a good part of it (menus and banners made of
 * plain boxes), and not so much that it can only be one of its sections.
 */
const articleShare = { least: 0.6, most: 0.9 }
const frameChars = 200
/** Finding the article takes time that grows with the square of depth. */
const maxArticleDepth = 500

/** Reads a web page: its text without the site's frame, its title and its links. */
export function readHtml(html: string, url?: string): HtmlPage {
  // A fragment alone is not a document to the parser.
  const { document } = parseHTML(
    /<html[\s>]/i.test(html) ? html : `<html><body>${html}</body></html>`,
  )
  const robots = readMeta(document, "robots")
  const page = {
    title: readTitle(document),
    links: url && !robots.includes("nofollow") ? readLinks(document, url) : [],
    refresh: readRefresh(document, url),
    isNoIndex: /\b(?:noindex|none)\b/.test(robots),
    isNoFollow: /\b(?:nofollow|none)\b/.test(robots),
  }
  const body = document.body as unknown as HtmlNode | null
  const own = body ? writeHtml(body, { dropsFrame: true }) : ""
  // Readability takes the document apart, so everything else is read before it.
  const whole = own || (body ? writeHtml(body) : "")
  const article = body && !isDeeper(body, maxArticleDepth) ? readArticle(document) : ""
  const share = article.length / Math.max(1, own.length)
  const isClean = share > articleShare.most || own.length - article.length < frameChars
  const isArticle = share >= articleShare.least && !isClean
  return { ...page, text: isArticle ? article : whole }
}

/** Word files come as bare HTML: all of it is text, nothing is a frame. */
export function readFragment(html: string): string {
  const { document } = parseHTML(`<html><body>${html}</body></html>`)
  return writeHtml(document.body as unknown as HtmlNode)
}

type ParsedDocument = ReturnType<typeof parseHTML>["document"]

function readArticle(document: ParsedDocument): string {
  try {
    const article = new Readability<HtmlNode>(document as unknown as Document, {
      // The element itself: turning it into a string and parsing that again would cost as much.
      serializer: (node) => node as unknown as HtmlNode,
    }).parse()
    return article?.content ? writeHtml(article.content, { dropsFrame: true }) : ""
  } catch {
    return ""
  }
}

function isDeeper(root: HtmlNode, limit: number): boolean {
  let level: HtmlNode[] = [root]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true
    level = level.flatMap((node) => Array.from(node.childNodes))
  }
  return false
}

function readTitle(document: ParsedDocument): string {
  const named = document.querySelector("title")?.textContent ?? ""
  const heading = document.querySelector("h1")?.textContent ?? ""
  return (named.trim() || heading.trim()).replace(/\s+/g, " ")
}

function readMeta(document: ParsedDocument, name: string): string {
  return [...document.querySelectorAll("meta")]
    .filter((meta) => meta.getAttribute("name")?.toLowerCase() === name)
    .map((meta) => meta.getAttribute("content")?.toLowerCase() ?? "")
    .join(",")
}

function readBase(document: ParsedDocument, url: string): string {
  const base = document.querySelector("base")?.getAttribute("href") ?? ""
  return URL.canParse(base, url) ? new URL(base, url).href : url
}

function readLinks(document: ParsedDocument, url: string): string[] {
  const base = readBase(document, url)
  const links = new Set<string>()
  for (const anchor of document.querySelectorAll("a[href]")) {
    const href = anchor.getAttribute("href")?.trim() ?? ""
    if (/\bnofollow\b/i.test(anchor.getAttribute("rel") ?? "")) continue
    if (!URL.canParse(href, base)) continue
    const link = new URL(href, base)
    if (link.protocol !== "http:" && link.protocol !== "https:") continue
    link.hash = ""
    links.add(link.href)
    if (links.size >= maxLinks) break
  }
  return [...links]
}

function readRefresh(document: ParsedDocument, url: string | undefined): string | null {
  for (const meta of document.querySelectorAll("meta")) {
    if (meta.getAttribute("http-equiv")?.toLowerCase() !== "refresh") continue
    const target = /url\s*=\s*['"]?([^'"]+)/i.exec(meta.getAttribute("content") ?? "")?.[1]?.trim()
    if (target && url && URL.canParse(target, url)) return new URL(target, url).href
  }
  return null
}

/**
 * Decodes a page by the server's character set, else the page's own, else by its bytes. Null for binary.
 * Names that browsers do not know (UTF-7 among them) do not count.
 */
export function decodeHtml(bytes: Uint8Array, charset?: string): string | null {
  const head = Buffer.from(bytes.subarray(0, 4_096)).toString("latin1")
  const named = charset || /<meta[^>]+charset\s*=\s*["']?([\w-]+)/i.exec(head)?.[1]
  if (named && !/^utf-?8$/i.test(named) && decodeText(bytes.subarray(0, 4_096)) !== null) {
    try {
      return new TextDecoder(named).decode(bytes)
    } catch {
      // Not a name of the encoding standard.
    }
  }
  return decodeText(bytes)
}
