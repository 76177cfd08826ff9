import { describe, expect, test } from "vitest"
import { readImport } from "./import.ts"

const answer = { expects: "answer", sourceTitle: null, phrase: null }

describe("lines", () => {
  test("are questions as they stand, bullets and numbers aside", () => {
    expect(
      readImport("How long?\r\n\r\n- Is it free?\n2) Where, and when?\n  • ¿Cuánto?  "),
    ).toEqual([
      { line: 1, question: "How long?", ...answer },
      { line: 3, question: "Is it free?", ...answer },
      { line: 4, question: "Where, and when?", ...answer },
      { line: 5, question: "¿Cuánto?", ...answer },
    ])
  })

  test("that are CSV of something else stay lines", () => {
    expect(readImport("name,mail\nHow long?")).toHaveLength(2)
  })
})

describe("CSV", () => {
  test("names its columns in any order, quotes what holds separators, and counts its lines", () => {
    const text = [
      "phrase,question,source,expects",
      '30 days,"Can I return it, opened?",Returns,',
      ',"Two',
      'lines ""quoted""?",,answer',
      ",Who won?,Returns,refuse",
      "",
      ",,,",
      ",Last?,,",
    ].join("\r\n")
    expect(readImport(text)).toEqual([
      {
        line: 2,
        question: "Can I return it, opened?",
        expects: "answer",
        sourceTitle: "Returns",
        phrase: "30 days",
      },
      { line: 3, question: 'Two lines "quoted"?', ...answer },
      { line: 5, question: "Who won?", ...answer, expects: "refusal" },
      { line: 8, question: "Last?", ...answer },
    ])
  })

  test.each([
    [";", "\uFEFFquestion;source\nHow long?;Returns"],
    ["tabs", "Question\tSource\nHow long?\tReturns"],
  ])("may be cut by %s", (_, text) => {
    expect(readImport(text)).toEqual([
      { line: 2, question: "How long?", ...answer, sourceTitle: "Returns" },
    ])
  })

  test.each(["question", "question,", 'question,source\n"open', ",", "\n\n", ""])(
    "that is broken or empty adds nothing it does not hold: %j",
    (text) => {
      expect(Array.isArray(readImport(text))).toBe(true)
    },
  )
})
