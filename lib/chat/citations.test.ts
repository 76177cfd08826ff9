import { describe, expect, test } from "vitest"
import { CitationFilter, hideMarkers, type JudgeSupport } from "./citations.ts"

/** Whatever was retrieved supports whatever is said. */
const trusting: JudgeSupport = (_, numbers) => numbers
/** Sentences with "wrong" in them are not supported. */
const doubting: JudgeSupport = ({ sentence }, numbers) =>
  sentence.includes("wrong") ? [] : numbers.filter((n) => !sentence.includes(`not ${n}`))

/** Feeds the pieces and returns what a reader sees. */
function filter(pieces: string[], known = [1, 2, 3], judge = trusting) {
  const checker = new CitationFilter(known, judge)
  const shown = pieces.map((piece) => checker.push(piece))
  shown.push(checker.flush())
  return {
    text: shown.map(({ text }) => text).join(""),
    fresh: shown.flatMap(({ fresh }) => fresh),
    cited: checker.cited,
    dropped: shown.flatMap(({ dropped }) => dropped),
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
    expect(filter([answer])).toEqual({ text, fresh: cited, cited, dropped: [] })
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
    expect(filter([answer])).toEqual({ text: answer, fresh: [], cited: [], dropped: [] })
  })

  test("with no passage known never stays", () => {
    const { text, cited, dropped } = filter(["All [1] of [2] it [3]."], [])
    expect([text, cited]).toEqual(["All of it.", []])
    expect(dropped).toEqual([1, 2, 3].map((number) => ({ number, reason: "not_retrieved" })))
  })
})

describe("a sentence that its passage does not support", () => {
  test.each([
    [
      "True [1]. This is wrong [2]. True again [3].",
      "True [1]. This is wrong. True again [3].",
      [1, 3],
    ],
    ["This is wrong. [1] True. [2]", "This is wrong. True. [2]", [2]],
    ["This is wrong [1] and goes on [2]. True [3].", "This is wrong and goes on. True [3].", [3]],
    ["[1] says what is wrong. True [2].", " says what is wrong. True [2].", [2]],
    ["- one [1]\n- wrong [2]\n- three [3]", "- one [1]\n- wrong\n- three [3]", [1, 3]],
    ["From not 2 this [1, 2].", "From not 2 this [1].", [1]],
    ["这是wrong。[1]这是对的。[2]", "这是wrong。这是对的。[2]", [2]],
    [
      "Open till 9 a.m. on wrong days [1]. True [1].",
      "Open till 9 a.m. on wrong days. True [1].",
      [1],
    ],
  ])("loses its number and nothing else: %s", (answer, text, cited) => {
    const shown = filter([answer], [1, 2, 3], doubting)
    expect([shown.text, shown.cited]).toEqual([text, cited])
    expect(shown.dropped.every(({ reason }) => reason === "unsupported")).toBe(true)
    expect(shown.dropped.length).toBeGreaterThan(0)
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
  "Fine. [1] This is wrong [2]! And “this is fine.” [3] [1] Wrong? No. [our page](https://x.example) wrong [1].",
  "- fine [1]\n- wrong [2]\n\n1. One [1]. \n[3]\n| a [2] | wrong [1] |",
  "好的。[1]这是wrong。[2](https://x.example)好的。[3] 𝐚bc. 𝐚 wrong [1]. 🙂 fine [2].",
  "At 9 a.m. on Mondays [1]... and 3.50 [2]. e.g. wrong [3].  Two  spaces [1].",
]

/** Longer than a sentence may wait, with every place of a marker at that border, and sentences over near it. */
const endless = [
  ...Array.from({ length: 12 }, (_, i) => `${"x".repeat(3_990 + i)} [1, 9] y`),
  ...Array.from(
    { length: 8 },
    (_, i) => `${"x".repeat(3_995 + i)}. [1] Yes [2](https://x.example).`,
  ),
  `${"so on [2] ".repeat(900)}wrong [1]. True [3].`,
]

describe("however the stream is cut, a reader sees the same", () => {
  test.each(answers)("%s", (answer) => {
    const known = [1, 2, 3]
    const whole = filter([answer], known, doubting)
    for (let at = 0; at <= answer.length; at++) {
      const halves = filter([answer.slice(0, at), answer.slice(at)], known, doubting)
      expect([at, halves]).toEqual([at, whole])
    }
    expect(filter(answer.split(""), known, doubting)).toEqual(whole)
    for (let size = 2; size < 9; size++) {
      const pieces = Array.from({ length: Math.ceil(answer.length / size) }, (_, i) =>
        answer.slice(i * size, (i + 1) * size),
      )
      expect([size, filter(pieces, known, doubting)]).toEqual([size, whole])
    }
  })
})

test("a text without an end is shown the same however it is cut, and keeps its markers", () => {
  for (const answer of endless) {
    const whole = filter([answer])
    expect(whole.text).not.toContain("9")
    expect(whole.text).toContain("[1]")
    for (const size of [1, 3, 7, 1_000, 4_001]) {
      const pieces = Array.from({ length: Math.ceil(answer.length / size) }, (_, i) =>
        answer.slice(i * size, (i + 1) * size),
      )
      expect(filter(pieces)).toEqual(whole)
    }
  }
})

test.each(["[1 ", "[1] ", "[          ", ". [1]", "a"])(
  "a text without an end keeps nobody busy: %j",
  (unit) => {
    const tiny = unit.repeat(16_000 / unit.length).split("")
    for (const pieces of [[unit.repeat(1_000_000 / unit.length)], tiny]) {
      const before = process.cpuUsage()
      filter(pieces)
      const { user } = process.cpuUsage(before)
      expect(user / 1_000).toBeLessThan(1_000)
    }
  },
)

test("no piece shown on the way ever holds a number that leads nowhere", () => {
  for (const answer of answers) {
    const checker = new CitationFilter([1, 2, 3], doubting)
    let shown = ""
    for (const letter of answer) {
      shown += checker.push(letter).text
      expect(shown).not.toMatch(/\[(9|12)\](?!\()/)
      expect(shown).not.toMatch(/wrong ?\[\d\](?!\()/)
    }
  }
})

test("only what stands behind a marker waits, and only until its sentence is over", () => {
  const checker = new CitationFilter([1], trusting)
  const push = (piece: string) => checker.push(piece).text
  expect(push("Ninety days")).toBe("Ninety days")
  expect(push(" or [so")).toBe(" or [so")
  expect(push(" many [1")).toBe(" many")
  expect(push("] of ")).toBe("")
  expect(push("them. ")).toBe("")
  expect(push("Then")).toBe(" [1] of them. Then")
  expect(push(" more [1]\n")).toBe(" more [1]\n")
  expect(push("End [1]")).toBe("End")
  expect(checker.flush().text).toBe(" [1]")
})

test("markers of hidden sources are taken out, the others stay", () => {
  const hidden = new Set([2])
  expect(hideMarkers("One [1]. Two [2]. Both [1, 2]. List [a](b) [2].", hidden)).toBe(
    "One [1]. Two. Both [1]. List [a](b).",
  )
  expect(hideMarkers("One [1, 3].", hidden)).toBe("One [1, 3].")
})
