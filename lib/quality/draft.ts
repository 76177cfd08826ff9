import { readTerms } from "#lib/knowledge/terms.ts"

export type DraftSource = {
  id: string
  kind: string
  title: string
  language: string
  /** The headings of its passages, in order; a path such as "Returns › Shoes". */
  headings: string[]
  /** Of a question-and-answer source, the question. */
  question: string | null
}

export type Draft = { question: string; sourceId: string }

/** How one asks about a heading. Other languages ask by the heading alone. */
const wordings: Record<string, (subject: string) => string> = {
  en: (subject) => `What should I know about ${subject}?`,
  de: (subject) => `Was muss ich über ${subject} wissen?`,
  fr: (subject) => `Que faut-il savoir sur ${subject} ?`,
  es: (subject) => `¿Qué debo saber sobre ${subject}?`,
  it: (subject) => `Che cosa devo sapere su ${subject}?`,
  nl: (subject) => `Wat moet ik weten over ${subject}?`,
  pt: (subject) => `O que devo saber sobre ${subject}?`,
}

const isQuestion = (text: string) => /[?？؟;]\s*$/.test(text)

/**
 * Questions that the documents themselves suggest: questions with answers as they are, headings that ask,
 * and headings put as a question. Sources take turns, so that a long one does not fill the list.
 */
export function draftQuestions(sources: readonly DraftSource[], limit: number): Draft[] {
  const queues = sources.map((source) => draftFromSource(source))
  const seen = new Set<string>()
  const drafts: Draft[] = []
  for (let turn = 0; queues.some((queue) => turn < queue.length); turn++) {
    for (const queue of queues) {
      const draft = queue[turn]
      const key = draft?.question.toLowerCase()
      if (!draft || !key || seen.has(key)) continue
      if (drafts.length === limit) return drafts
      seen.add(key)
      drafts.push(draft)
    }
  }
  return drafts
}

/**
 * The headings of a passage: the one above it, and those inside, where short sections stand together. Inside
 * they are short lines of their own with text below.
 */
export function listHeadings({ heading, text }: { heading: string; text: string }): string[] {
  const paragraphs = text.split(/\n\s*\n/).map((one) => one.trim())
  const inside = paragraphs
    .slice(0, -1)
    .filter((one) => one.length < 80 && /^[\p{L}\p{N}¿]/u.test(one) && !/[\n|.!。！:;,]$/.test(one))
    .filter((one) => !one.includes("\n"))
  return [heading, ...inside].filter(Boolean)
}

function draftFromSource(source: DraftSource): Draft[] {
  if (source.question) return [{ question: source.question.slice(0, 500), sourceId: source.id }]
  const subjects = source.headings.map(lastHeading).filter((text) => /\p{L}/u.test(text))
  const distinct = [...new Set(subjects.length > 0 ? subjects : [source.title])]
  return distinct.map((subject) => ({
    question: toQuestion(subject, source),
    sourceId: source.id,
  }))
}

function lastHeading(path: string): string {
  return (path.split(/\s[›>»/]\s/).at(-1) ?? path).trim()
}

function toQuestion(subject: string, { title, language }: DraftSource): string {
  const plain = subject.replace(/^[\d.)\s#]+(?=\p{L})/u, "").slice(0, 300)
  if (isQuestion(plain)) return plain
  const howTo = /^how to (.+)$/i.exec(plain)
  if (language === "en" && howTo) return `How do I ${howTo[1]}?`
  // "Within the country" says nothing without what it stands under.
  const isBare = plain !== title && (readTerms(plain, language)[0]?.isStopWord ?? false)
  if (isBare) return `${title.slice(0, 150)}: ${lowerFirst(plain)}?`
  const ask = wordings[language] ?? ((text: string) => `${text}?`)
  return ask(language === "en" ? lowerFirst(plain) : plain)
}

/** "Opening hours" stands in a sentence as "opening hours"; "VAT" and "IKEA" stay as they are. */
function lowerFirst(text: string): string {
  return /^\p{Lu}\p{Ll}+(?:\s\p{Ll}|$)/u.test(text) ? text[0]!.toLowerCase() + text.slice(1) : text
}
