import { describe, expect, test } from "vitest"
import { pickSpan, quotePassages } from "./quotes.ts"

const filler = "Our shop stands by the river and opens at nine. It has three floors and a café. "
const fact = "You may return shoes within ninety days if the box is whole."
const long = `${filler.repeat(8)}${fact} ${filler.repeat(8)}`

const passage = (number: number, text: string, score: number) => ({
  number,
  title: `Title ${number}`,
  text,
  score,
})

describe("a quote", () => {
  test("is an exact span of its passage that holds the answer", () => {
    const span = pickSpan("Within how many days may I return shoes?", long)
    expect(long).toContain(span)
    expect(span).toContain("ninety days")
    expect(span.length).toBeLessThanOrEqual(420)
  })

  test("of a short passage is the passage", () => {
    expect(pickSpan("anything", `  ${fact}\n`)).toBe(fact)
  })

  test.each([
    ["no spaces at all", "x".repeat(5_000)],
    ["one endless sentence", `${"word ".repeat(2_000)}end`],
    ["only line breaks", "\n".repeat(2_000)],
    ["emoji", "🙂".repeat(1_000)],
    ["Arabic", "يمكنك إعادة الحذاء خلال تسعين يوما. ".repeat(60)],
    ["Chinese", "您可以在九十天内退回鞋子。".repeat(120)],
    ["markup", "<script>alert(1)</script> [1](javascript:x) ".repeat(40)],
  ])("of a passage of %s is still an exact span, and bounded", (_, text) => {
    const span = pickSpan("return shoes", text)
    expect(text).toContain(span)
    expect(span.length).toBeLessThanOrEqual(840)
  })

  test("of a question without a known word begins where the passage does", () => {
    expect(long.startsWith(pickSpan("zzz qqq", long).slice(0, 40))).toBe(true)
  })
})

describe("an answer by quoting", () => {
  test("quotes at most three passages, best first, each with its number", () => {
    const passages = [1, 2, 3, 4].map((n) =>
      passage(n, `Fact number ${n} of the shop.`, 10 - n / 10),
    )
    expect(quotePassages("fact", passages)).toBe(
      "Fact number 1 of the shop. [1]\n\nFact number 2 of the shop. [2]\n\nFact number 3 of the shop. [3]",
    )
  })

  test("leaves out what is much weaker than the best", () => {
    const answer = quotePassages("fact", [passage(1, "Strong.", 10), passage(2, "Weak.", 5)])
    expect(answer).toBe("Strong. [1]")
  })

  test("of nothing is nothing", () => {
    expect(quotePassages("fact", [])).toBe("")
  })
})
