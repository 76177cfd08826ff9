import { expect, test } from "vitest"
import { type DraftSource, draftQuestions, listHeadings } from "./draft.ts"

const source = (id: string, headings: string[], more: Partial<DraftSource> = {}): DraftSource => ({
  id,
  kind: "text",
  title: `Title ${id}`,
  language: "en",
  headings,
  question: null,
  ...more,
})

test("headings become questions, each expecting its source; questions stay as they are", () => {
  const drafts = draftQuestions(
    [
      source("a", [
        "Returns › Opening hours",
        "Returns › Opening hours",
        "How to send it back",
        "Within the country",
        "2. VAT",
      ]),
      source("b", ["Ignored"], { kind: "qa", question: "Do you ship to islands?" }),
      source("c", [], { title: "Delivery times" }),
      source("d", ["Rückgabe"], { language: "de" }),
      source("e", ["退货"], { language: "zh" }),
    ],
    20,
  )
  expect(drafts).toEqual([
    { question: "What should I know about opening hours?", sourceId: "a" },
    { question: "Do you ship to islands?", sourceId: "b" },
    { question: "What should I know about delivery times?", sourceId: "c" },
    { question: "Was muss ich über Rückgabe wissen?", sourceId: "d" },
    { question: "退货?", sourceId: "e" },
    { question: "How do I send it back?", sourceId: "a" },
    { question: "Title a: within the country?", sourceId: "a" },
    { question: "What should I know about VAT?", sourceId: "a" },
  ])
})

test("a long document does not fill the list, and nothing is asked twice", () => {
  const long = source(
    "long",
    Array.from({ length: 50 }, (_, i) => `Part ${i}`),
  )
  const drafts = draftQuestions([long, source("b", ["Part 1"]), source("c", ["Prices"])], 4)
  expect(drafts.map(({ sourceId }) => sourceId)).toEqual(["long", "b", "c", "long"])
  expect(new Set(drafts.map(({ question }) => question)).size).toBe(4)
})

test("headings are found above a passage and inside it; sentences, items and tables are none", () => {
  const text = [
    "Opening hours",
    "We open at nine.",
    "- an item",
    "Is it free?",
    "Yes, it is free.",
    "| a | b |",
    "Two\nlines",
    "Last line",
  ].join("\n\n")
  expect(listHeadings({ heading: "Shop", text })).toEqual(["Shop", "Opening hours", "Is it free?"])
  expect(listHeadings({ heading: "", text: "Only text" })).toEqual([])
})
