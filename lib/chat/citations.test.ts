import { describe, expect, test } from "vitest"
import { CitationFilter } from "./citations.ts"

/** Feeds the pieces and returns what a reader sees. */
function filter(pieces: string[], known = [1, 2, 3]) {
  const checker = new CitationFilter(known)
  const shown = pieces.map((piece) => checker.push(piece))
  shown.push(checker.flush())
  return {
    text: shown.map(({ text }) => text).join(""),
    fresh: shown.flatMap(({ fresh }) => fresh),
    cited: checker.cited,
  }
}

describe("a marker", () => {
  test.each([
    ["Ninety days [1].", "Ninety days [1].", [1]],
    ["Ninety days[2].", "Ninety days[2].", [2]],
    ["Both [1, 3].", "Both [1][3].", [1, 3]],
    ["Both [1,3].", "Both [1][3].", [1, 3]],
    ["Twice [2] and [2].", "Twice [2] and [2].", [2]],
    ["In order [3][1].", "In order [3][1].", [3, 1]],
  ])("of a retrieved passage stays: %s", (answer, text, cited) => {
    expect(filter([answer])).toEqual({ text, fresh: cited, cited })
  })

  test.each([
    ["Made up [9].", "Made up."],
    ["Made up [0].", "Made up."],
    ["Made up [999].", "Made up."],
    ["Made up [4, 5].", "Made up."],
    ["Half [1, 9].", "Half [1]."],
    ["[7] first", " first"],
  ])("that leads nowhere is dropped: %s", (answer, text) => {
    const { cited, ...shown } = filter([answer])
    expect(shown.text).toBe(text)
    expect(cited).toEqual(text.includes("[1]") ? [1] : [])
  })

  test.each([
    "A list[i] of things",
    "[note] and [ ] and []",
    "[1234] is a year",
    "An [open bracket",
    "See [our page](https://shop.example.com)",
    "[x] done",
  ])("is nothing else: %s", (answer) => {
    expect(filter([answer])).toEqual({ text: answer, fresh: [], cited: [] })
  })

  test("with no passage known never stays", () => {
    expect(filter(["All [1] of [2] it [3]."], [])).toEqual({
      text: "All of it.",
      fresh: [],
      cited: [],
    })
  })
})

const answers = [
  "You have ninety days [1]. Shipping is free [2, 3], not [9]. See [our page](https://x.example) [1].",
  "[1][2][9][3]",
  "Text [1, 2, 3, 9] and [12](https://x.example) and [2](https://x.example) end",
  "Ends open [1",
  "Ends open [",
  "Ends after a space ",
  "Zahlen: [ 1 ] [1 ,2] [1\n] 🙂[2]🙂 مرحبا [3]",
  "Too long [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3]",
]

describe("however the stream is cut, a reader sees the same", () => {
  test.each(answers)("%s", (answer) => {
    const whole = filter([answer])
    for (let at = 0; at <= answer.length; at++)
      expect([at, filter([answer.slice(0, at), answer.slice(at)])]).toEqual([at, whole])
    expect(filter(answer.split(""))).toEqual(whole)
    for (let size = 2; size < 9; size++) {
      const pieces = Array.from({ length: Math.ceil(answer.length / size) }, (_, i) =>
        answer.slice(i * size, (i + 1) * size),
      )
      expect([size, filter(pieces)]).toEqual([size, whole])
    }
  })
})

test("no piece shown on the way ever holds a number that leads nowhere", () => {
  for (const answer of answers) {
    const checker = new CitationFilter([1, 2, 3])
    let shown = ""
    for (const letter of answer) {
      shown += checker.push(letter).text
      expect(shown).not.toMatch(/\[(9|12)\](?!\()/)
    }
  }
})

test("what cannot become a marker is not held back", () => {
  const checker = new CitationFilter([1])
  expect(checker.push("Ninety days").text).toBe("Ninety days")
  expect(checker.push(" or [so").text).toBe(" or [so")
  expect(checker.push(" many [1").text).toBe(" many")
  expect(checker.push("] of ").text).toBe(" [1] of")
  expect(checker.flush().text).toBe(" ")
})
