import fc from "fast-check"
import { expect, test } from "vitest"
import { type Chunk, chunkQuestion, chunkText } from "./chunk.ts"

const words = (text: string) => text.match(/[\p{L}\p{N}]+/gu) ?? []
const sentence = (i: number) => `Sentence number ${i} says something about matter ${i * 7}.`
const paragraph = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => sentence(from + i)).join(" ")
const whole = (chunks: Chunk[]) => chunks.map(({ heading, text }) => `${heading} ${text}`).join(" ")

const countLetters = (text: string) => {
  const counts = new Map<string, number>()
  for (const letter of words(text).join("")) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  return counts
}

test("a short text stays one chunk under its first heading", () => {
  expect(
    chunkText([
      { number: null, text: "# Returns\n\nWithin 30 days.\n\n## Refunds\n\nTo your card." },
    ]),
  ).toEqual([
    { heading: "Returns", page: null, text: "Within 30 days.\n\nRefunds\n\nTo your card." },
  ])
})

test("a passage of encyclopedia length is one chunk", () => {
  expect(chunkText([{ number: null, text: "word ".repeat(310).trim() }])).toHaveLength(1)
})

test("a long text is cut under its headings, which each chunk carries as a path", () => {
  const text = `# Help\n\n## Returns\n\n${paragraph(0, 30)}\n\n## Shipping\n\n### Abroad\n\n${paragraph(50, 20)}`
  const headings = new Set(chunkText([{ number: null, text }]).map((chunk) => chunk.heading))
  expect(headings).toEqual(new Set(["Help › Returns", "Help › Shipping › Abroad"]))
})

test("a heading without text below is kept as text", () => {
  const text = `# First\n\n# Second\n\n${paragraph(0, 40)}\n\n# Last`
  expect(words(whole(chunkText([{ number: null, text }])))).toEqual(
    expect.arrayContaining(["First", "Second", "Last"]),
  )
})

test("list items stay together line by line and a code block stays whole", () => {
  const text = "Intro:\n\n- one\n- two\n\n```\n# not a heading\n\ncode\n```"
  expect(chunkText([{ number: null, text }])[0]?.text).toBe(
    "Intro:\n\n- one\n- two\n\n```\n# not a heading\n\ncode\n```",
  )
})

test("chunks know the page they begin on", () => {
  const pages = [1, 2, 3].map((number) => ({ number, text: paragraph(number * 100, 12) }))
  expect(chunkText(pages).map((chunk) => chunk.page)).toEqual([1, 2, 3])
})

test("a question and its answer are one chunk", () => {
  expect(chunkQuestion("Do you ship?", "Yes.")).toEqual([
    { heading: "Do you ship?", page: null, text: "Yes." },
  ])
})

test("one endless line is cut, within bounds and quickly", () => {
  const startedAt = performance.now()
  const chunks = chunkText([{ number: null, text: "x".repeat(1_000_000) }])
  expect(Math.max(...chunks.map(({ text }) => text.length))).toBeLessThanOrEqual(1_600)
  expect(performance.now() - startedAt).toBeLessThan(5_000)
})

test("whatever the structure, no word is lost and no chunk is longer than a passage", () => {
  const block = fc.oneof(
    fc.nat(999).map((n) => `Short paragraph ${n}.`),
    fc.nat(999).map((n) => paragraph(n * 1_000, 25)),
    fc
      .tuple(fc.integer({ min: 1, max: 6 }), fc.nat(999))
      .map(([l, n]) => `${"#".repeat(l)} Part ${n}`),
    fc.nat(999).map((n) => `- item ${n}\n- item ${n + 1}`),
    fc.nat(999).map((n) => `\`\`\`\ncode ${n}\n\n# still code\n\`\`\``),
    fc.nat(99).map((n) => `长${"文".repeat(900)}${n}。${"字".repeat(900)}`),
    fc.nat(999).map((n) => `Underlined ${n}\n=====`),
  )
  fc.assert(
    fc.property(fc.array(block, { maxLength: 25 }), (blocks) => {
      const text = blocks.join("\n\n")
      const chunks = chunkText([{ number: 1, text }])
      const kept = countLetters(whole(chunks))
      for (const [letter, count] of countLetters(text)) {
        expect(kept.get(letter) ?? 0, letter).toBeGreaterThanOrEqual(count)
      }
      for (const chunk of chunks) expect(chunk.text.length).toBeLessThanOrEqual(1_700)
    }),
    { numRuns: 200 },
  )
})
