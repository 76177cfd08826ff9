import { detectLanguage } from "#lib/knowledge/language.ts"
import { readTerms } from "#lib/knowledge/terms.ts"

/** Two questions ask the same when this share of the content words of both is common. */
const leastOverlap = 0.5

export type Groupable = { text: string }

type Group<Q> = { questions: Q[]; terms: Set<string>[] }

/**
 * Groups questions that ask the same, in the order given: each joins the group with the question most like
 * it, or begins one. The same questions in the same order always make the same groups.
 */
export function groupQuestions<Q extends Groupable>(questions: readonly Q[]): Q[][] {
  const groups: Group<Q>[] = []
  for (const question of questions) {
    const terms = readContent(question.text)
    let best: Group<Q> | null = null
    let bestOverlap = 0
    for (const group of groups) {
      const overlap = Math.max(...group.terms.map((other) => measureOverlap(terms, other)))
      if (overlap < leastOverlap || overlap <= bestOverlap) continue
      best = group
      bestOverlap = overlap
    }
    if (best) {
      best.questions.push(question)
      best.terms.push(terms)
    } else groups.push({ questions: [question], terms: [terms] })
  }
  return groups.map((group) => group.questions)
}

/** Stems of the words that carry meaning; of a question with none ("And now?") all of them. */
function readContent(text: string): Set<string> {
  const terms = readTerms(text, detectLanguage(text) ?? "en")
  const content = terms.filter(({ isStopWord }) => !isStopWord)
  return new Set((content.length > 0 ? content : terms).map(({ term }) => term))
}

function measureOverlap(a: Set<string>, b: Set<string>): number {
  const all = a.union(b).size
  return all === 0 ? 1 : a.intersection(b).size / all
}
