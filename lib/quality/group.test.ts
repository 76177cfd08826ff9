import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { groupQuestions } from "./group.ts"

const group = (...texts: string[]) =>
  groupQuestions(texts.map((text) => ({ text }))).map((one) => one.map(({ text }) => text))

describe("questions that ask the same", () => {
  test.each([
    [
      "in other forms of the words",
      "Do you sell gift cards?",
      "Where can I buy a gift card you sell?",
    ],
    ["with other small words", "Is there parking at the shop?", "Can I park at your shop?"],
    ["in other case and marks", "DO YOU SHIP TO NORWAY", "do you ship to Norway?!"],
    ["in German", "Gibt es bei Ihnen Geschenkgutscheine?", "Haben Sie Geschenkgutscheine?"],
  ])("%s are one group", (_, a, b) => {
    expect(group(a, b)).toEqual([[a, b]])
  })

  test("are told apart from those that share a word or two", () => {
    expect(
      group("Do you ship to Norway?", "Do you have a shop in Norway where I can try lamps?"),
    ).toHaveLength(2)
    expect(
      group("Do you sell lamps?", "Do you repair blankets?", "When do you open?"),
    ).toHaveLength(3)
  })

  test("stand in the order in which they came", () => {
    const [first, second] = group("Gift cards?", "When do you open?", "Do you have gift cards?")
    expect(first).toEqual(["Gift cards?", "Do you have gift cards?"])
    expect(second).toEqual(["When do you open?"])
  })
})

test("no question is lost or doubled, and the same ones always make the same groups", () => {
  const word = fc.constantFrom(
    "gift",
    "card",
    "ship",
    "Norway",
    "lamp",
    "the",
    "do",
    "?",
    "",
    "门店",
    "مرحبا",
  )
  const text = fc.array(word, { maxLength: 6 }).map((words) => words.join(" "))
  fc.assert(
    fc.property(fc.array(text, { maxLength: 12 }), (texts) => {
      const groups = group(...texts)
      expect(groups.flat().sort()).toEqual([...texts].sort())
      expect(group(...texts)).toEqual(groups)
    }),
    { numRuns: 60 },
  )
})
