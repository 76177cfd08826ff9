/**
 * How many letters differ between two words, where two swapped neighbours count as one slip
 * (Damerau-Levenshtein, optimal string alignment). Gives up with `max + 1` as soon as it is more.
 */
export function countSlips(left: string, right: string, max: number): number {
  const a = [...left]
  const b = [...right]
  if (Math.abs(a.length - b.length) > max) return max + 1
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    let best = i
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      let cost = Math.min(
        previous[j]! + 1,
        current[j - 1]! + 1,
        previous[j - 1]! + (isSame ? 0 : 1),
      )
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, before[j - 2]! + 1)
      }
      current.push(cost)
      best = Math.min(best, cost)
    }
    if (best > max) return max + 1
    before = previous
    previous = current
  }
  return previous[b.length]!
}

/** Short words have too many neighbours; from eight letters on two slips still mean one word. */
export function allowedSlips(word: string): number {
  const length = [...word].length
  if (length < 5) return 0
  return length >= 8 ? 2 : 1
}

export type KnownWord = { term: string; chunkCount: number }

/**
 * The bot's own word that an unknown one most likely stands for, or null. Nearest first, then one that
 * begins alike, then the more frequent one.
 */
export function mendWord(word: string, vocabulary: Iterable<KnownWord>): string | null {
  const max = allowedSlips(word)
  if (max === 0) return null
  let best: { known: KnownWord; slips: number; beginsAlike: boolean } | null = null
  for (const known of vocabulary) {
    const slips = countSlips(word, known.term, max)
    if (slips > max) continue
    const beginsAlike = known.term[0] === word[0]
    const isBetter =
      !best ||
      slips < best.slips ||
      (slips === best.slips &&
        (Number(beginsAlike) - Number(best.beginsAlike) > 0 ||
          (beginsAlike === best.beginsAlike && known.chunkCount > best.known.chunkCount)))
    if (isBetter) best = { known, slips, beginsAlike }
  }
  return best?.known.term ?? null
}

const leastPart = 4
const leastCompound = 8

/** Every beginning and ending a compound may be made of; empty for words too short to be one. */
export function listParts(word: string): string[] {
  if (word.length < leastCompound) return []
  const parts: string[] = []
  for (let at = leastPart; at < word.length; at++) parts.push(word.slice(0, at))
  for (let at = 1; at <= word.length - leastPart; at++) parts.push(word.slice(at))
  return parts
}

/**
 * The known words an unknown compound is made of: its longest known beginning, then the longest known
 * ending behind it ("Wikingersiedlung" is found as "Wikinger" and "Siedlung").
 */
export function splitCompound(word: string, isKnown: (part: string) => boolean): string[] {
  if (word.length < leastCompound) return []
  const parts: string[] = []
  let end = 0
  for (let at = word.length - 1; at >= leastPart && end === 0; at--) {
    if (isKnown(word.slice(0, at))) end = at
  }
  if (end > 0) parts.push(word.slice(0, end))
  for (let at = Math.max(end, leastPart - 1); at <= word.length - leastPart; at++) {
    if (isKnown(word.slice(at))) return [...parts, word.slice(at)]
  }
  return parts
}
