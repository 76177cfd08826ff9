import { expect, test } from "vitest"
import { readTerms } from "./terms.ts"

const stems = (text: string, language: string) => readTerms(text, language).map(({ term }) => term)
const meet = (language: string, one: string, other: string) =>
  expect(stems(one, language), `${one} ~ ${other}`).toEqual(stems(other, language))

test("forms of a word share a stem in every language with a stemmer", () => {
  meet("en", "returning returns", "returned return")
  meet("de", "Häuser Straße", "Haus Strasse")
  meet("fr", "réservations", "reservation")
  meet("es", "envíos gratuitos", "envio gratuito")
  meet("tr", "kitapları", "kitap")
  meet("ru", "возвраты", "возврат")
  meet("ar", "والكتاب", "كتاب")
  meet("ar", "قصيدته", "قصيدة")
  meet("el", "επιστροφές", "επιστροφή")
  meet("hi", "किताबें", "किताब")
})

test("case, width, accents and invisible characters make no difference", () => {
  meet("en", "ＣＡＦÉ", "cafe")
  meet("en", "pass\u00adword zero\u200bwidth", "password zerowidth")
  meet("tr", "İSTANBUL IŞIK", "istanbul ışık")
  meet("el", "ΟΔΟΣ", "οδός")
  meet("ar", "مُدَرِّس", "مدرس")
})

test("apostrophes follow the language: case endings, articles, possessives", () => {
  meet("tr", "Broncos'a", "Broncos")
  expect(stems("l'avion", "fr")).toContain("avion")
  meet("en", "shop's", "shop")
})

test("Chinese, Japanese and Korean are read as pairs of characters", () => {
  expect(stems("退货政策", "zh")).toEqual(["退货", "货政", "政策"])
  expect(stems("猫", "zh")).toEqual(["猫"])
  expect(stems("東京タワー", "ja")).toContain("東京")
  expect(stems("반품은", "ko")).toContain("반품")
})

test("Korean particles and Hebrew's one-letter words are not part of the word", () => {
  meet("ko", "반품을 상품에서", "반품 상품")
  meet("he", "להחזיר ובחנות", "החזיר חנות")
})

test("Thai is cut into words", () => {
  expect(stems("นโยบายการคืนสินค้า", "th").length).toBeGreaterThan(1)
})

test("names and English words in other scripts keep their English stems", () => {
  expect(stems("سياسة Returns", "ar")).toContain("return")
  expect(stems("使用 Refunds 功能", "zh")).toContain("refund")
})

test("numbers meet whatever their separators and digits", () => {
  meet("en", "1,283", "1283")
  meet("de", "1.283", "1283")
  meet("ar", "٢٠٢٦", "2026")
  expect(stems("3.5 litres", "en").slice(0, 2)).toEqual(["3", "5"])
})

test("positions follow the order and function words are marked", () => {
  expect(readTerms("what is the refund policy", "en", 10)).toEqual([
    { term: "what", position: 10, isStopWord: true },
    { term: "is", position: 11, isStopWord: true },
    { term: "the", position: 12, isStopWord: true },
    { term: "refund", position: 13, isStopWord: false },
    { term: "polici", position: 14, isStopWord: false },
  ])
})

test("hostile text is read in bounded time and never throws", () => {
  for (const text of ["a".repeat(200_000), "'".repeat(50_000), "١".repeat(50_000), "\ud800x"]) {
    const startedAt = performance.now()
    for (const { term } of readTerms(text, "en")) expect(term.length).toBeLessThanOrEqual(48)
    expect(performance.now() - startedAt).toBeLessThan(3_000)
  }
})
