import { deflateSync } from "node:zlib"
import { expect, test } from "vitest"
import { extractText } from "./extract.ts"
import { makePdf } from "./pdf.fixture.ts"

const refusal = (bytes: Uint8Array, options = {}) =>
  extractText("pdf", bytes, options).then(
    () => "read",
    (error: Error) => `${error.name}: ${error.message}`,
  )

test("a PDF's text comes with its page numbers, paragraphs and headings", async () => {
  const { pages } = await extractText(
    "pdf",
    makePdf([
      [{ text: "Returns", size: 20 }, "You can send anything back", "within thirty days."],
      ["Refunds go to the card", "you paid with.", "", "Ask us if in doubt."],
    ]),
  )
  expect(pages).toEqual([
    { number: 1, text: "# Returns\n\nYou can send anything back within thirty days." },
    { number: 2, text: "Refunds go to the card you paid with.\n\nAsk us if in doubt." },
  ])
})

test("a password-protected PDF fails with a sentence that says what to do", async () => {
  expect(await refusal(makePdf([["secret"]], { isEncrypted: true }))).toBe(
    "SourceProblem: This file is password-protected. Remove the password and upload it again.",
  )
})

test("a damaged PDF fails with a sentence that says what to do", async () => {
  expect(await refusal(Buffer.from("%PDF-1.7\nnothing of the kind"))).toBe(
    "SourceProblem: This file is damaged and cannot be opened. Save it anew and upload it again.",
  )
})

test("a PDF without text fails and says why", async () => {
  expect(await refusal(makePdf([[], []]))).toMatch(/^SourceProblem: This PDF holds no text/)
})

test("a PDF that outlasts its time is killed and says so", async () => {
  expect(await refusal(makePdf([["slow"]]), { timeoutMs: 1 })).toMatch(/takes too long to read/)
})

test("a PDF that inflates beyond the memory limit is killed and says so", async () => {
  const bomb = deflateSync(Buffer.alloc(1024 * 1024 * 1024, "q Q "), { level: 1 })
  expect(await refusal(makePdf([["bomb"]], { content: bomb }))).toMatch(
    /too complicated to read|takes too long to read/,
  )
}, 60_000)

test("stopping the worker stops the reading and is not the file's fault", async () => {
  const stopping = new AbortController()
  const reading = refusal(makePdf([["text"]]), { signal: stopping.signal })
  stopping.abort()
  expect(await reading).toMatch(/^AbortError/)
})

test("the reading process can neither start programs, nor read files, nor see the environment", async () => {
  const { spawnSync } = await import("node:child_process")
  const { readConfinement } = await import("./extract.ts")
  const attempt = (code: string) =>
    spawnSync(process.execPath, [...readConfinement(), "-e", code], { env: {} as never })
      .stderr.toString()
      .includes("ERR_ACCESS_DENIED")
  expect(attempt("require('node:fs').readFileSync('/etc/hostname')")).toBe(true)
  expect(attempt("require('node:fs').readFileSync('.data/secrets.json')")).toBe(true)
  expect(attempt("require('node:child_process').execSync('true')")).toBe(true)
})
