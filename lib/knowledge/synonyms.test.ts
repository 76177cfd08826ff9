import { expect, test } from "vitest"
import { listSynonyms } from "./synonyms.ts"
import { readTerms } from "./terms.ts"

const stem = (word: string, language: string) => readTerms(word, language)[0]!.term

test("a customer's word leads to the business's word, in stems", () => {
  expect(listSynonyms(stem("shipping", "en"), "en")).toContain(stem("delivery", "en"))
  expect(listSynonyms(stem("Umtausch", "de"), "de")).toContain(stem("Rückgabe", "de"))
})

test("a word never stands in for itself, and unknown words and languages have no synonyms", () => {
  for (const word of ["ship", "return", "price", "shop"]) {
    expect(listSynonyms(stem(word, "en"), "en")).not.toContain(stem(word, "en"))
  }
  expect(listSynonyms("xylophon", "en")).toEqual([])
  expect(listSynonyms("ship", "tr")).toEqual([])
})
