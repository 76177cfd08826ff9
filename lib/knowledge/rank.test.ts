import { expect, test } from "vitest"
import {
  estimateConfidence,
  pickRarest,
  rankCandidates,
  readQuestion,
  weighRarity,
} from "./rank.ts"
import { countSlips, mendWord, splitCompound } from "./spelling.ts"
import { readTerms } from "./terms.ts"
import { readTsvector, toTsvector } from "./tsvector.ts"

const corpus = { chunkCount: 100, averageTermCount: 10 }
const counts = new Map(Object.entries({ bank: 10, holiday: 10, open: 40, the: 99 }))
const question = (text: string) => readQuestion("en", readTerms(text, "en"), counts)
const candidate = (id: string, text: string) => {
  const terms = readTerms(text, "en")
  const positions = readTsvector(toTsvector(terms))
  return { id, language: "en", termCount: terms.length, positions }
}

test("BM25 is Robertson's: rarity times saturated frequency, by length", () => {
  const [ranked] = rankCandidates([question("bank")], [candidate("a", "bank bank x x x")], corpus)
  const length = 1.2 * (0.25 + (0.75 * 5) / 10)
  expect(ranked?.score).toBeCloseTo((weighRarity(10, 100) * 2 * 2.2) / (2 + length), 10)
})

test("words side by side beat the same words apart", () => {
  const ranked = rankCandidates(
    [question("bank holiday")],
    [candidate("apart", "bank x x holiday"), candidate("together", "x x bank holiday")],
    corpus,
  )
  expect(ranked.map(({ id }) => id)).toEqual(["together", "apart"])
})

test("a chunk is judged by the question as read in its own language", () => {
  const german = readQuestion(
    "de",
    readTerms("Öffnungszeiten", "de"),
    new Map([["offnungszeit", 1]]),
  )
  const chunk = {
    ...candidate("de", ""),
    language: "de",
    positions: new Map([["offnungszeit", [1]]]),
  }
  const [ranked] = rankCandidates([question("Öffnungszeiten"), german], [chunk], corpus)
  expect(ranked?.score).toBeGreaterThan(0)
})

test("confidence is high when the words are there and low when only one of many is", () => {
  const known = new Map(Object.entries({ refund: 1, gift: 1, card: 2, open: 2 }))
  const read = (text: string) => readQuestion("en", readTerms(text, "en"), known)
  const small = { chunkCount: 3, averageTermCount: 8 }
  const chunk = candidate("a", "Refunds on gift cards take a week")
  const confidence = (text: string) => {
    const [best] = rankCandidates([read(text)], [chunk], small)
    return best ? estimateConfidence(best, small) : 0
  }
  expect(confidence("How long do refunds on gift cards take?")).toBeGreaterThan(0.5)
  expect(
    confidence("Which airline lost a card game between Berlin and Lima in 1987?"),
  ).toBeLessThan(0.5)
})

test("candidates are fetched by the four rarest words, common ones only while they are few together", () => {
  const known = new Map(Object.entries({ a1: 500, a2: 600, a3: 700, a4: 800, a5: 900, a6: 1 }))
  const reading = readQuestion("en", readTerms("a1 a2 a3 a4 a5 a6", "en"), known)
  expect(pickRarest([reading], 1_000).any).toEqual(["a6", "a1", "a2", "a3"])
  const rare = new Map(["b1", "b2", "b3", "b4", "b5", "b6"].map((term) => [term, 2]))
  const reading6 = readQuestion("en", readTerms("b1 b2 b3 b4 b5 b6", "en"), rare)
  expect(pickRarest([reading6], 1_000).any).toHaveLength(6)
})

test("in a large bot common words fetch only chunks that hold two of them", () => {
  const known = new Map(Object.entries({ c1: 30, c2: 5_000, c3: 6_000, c4: 9_000, c5: 90_000 }))
  const reading = readQuestion("en", readTerms("c1 c2 c3 c4 c5", "en"), known)
  expect(pickRarest([reading], 100_000)).toEqual({ any: ["c1"], pairs: [["c2", "c3"]] })
  const single = readQuestion("en", readTerms("c4", "en"), known)
  expect(pickRarest([single], 100_000)).toEqual({ any: ["c4"], pairs: [] })
})

test("a slip is a letter more, less, other, or two swapped", () => {
  expect(countSlips("return", "retrun", 2)).toBe(1)
  expect(countSlips("return", "returns", 2)).toBe(1)
  expect(countSlips("return", "refund", 1)).toBe(2)
})

test("an unknown word becomes the nearest known one, a short one never", () => {
  const vocabulary = [
    { term: "retail", chunkCount: 9 },
    { term: "return", chunkCount: 2 },
  ]
  expect(mendWord("retrun", vocabulary)).toBe("return")
  expect(mendWord("ret", vocabulary)).toBeNull()
  expect(mendWord("xylophon", vocabulary)).toBeNull()
})

test("an unknown compound becomes its known parts", () => {
  const known = new Set(["versand", "kost", "wiking"])
  expect(splitCompound("versandkost", (part) => known.has(part))).toEqual(["versand", "kost"])
  expect(splitCompound("wikingerschiff", (part) => known.has(part))).toEqual(["wiking"])
  expect(splitCompound("kurz", (part) => known.has(part))).toEqual([])
})

test("a vector survives quotes, backslashes and Postgres's limits", () => {
  const terms = ["it's", "back\\slash", "a'b\\'c", "x y"].map((term, i) => ({
    term,
    position: i + 1,
    isStopWord: false,
  }))
  const read = readTsvector(toTsvector(terms))
  expect([...read.keys()].sort()).toEqual(terms.map(({ term }) => term).sort())
  const many = Array.from({ length: 300 }, (_, i) => ({
    term: "w",
    position: i * 100,
    isStopWord: false,
  }))
  const positions = readTsvector(toTsvector(many)).get("w") ?? []
  expect(positions.length).toBeLessThanOrEqual(255)
  expect(Math.max(...positions)).toBeLessThanOrEqual(16_383)
})
