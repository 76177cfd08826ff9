import { parseHTML } from "linkedom"
import { extractText as extractBare, getDocumentProxy } from "unpdf"
import { createTestDatabase } from "#runtime/test-database.ts"

// Measures how long knowledge takes to become searchable, beside the bare libraries on the same input:
// a PDF of 300 pages through the whole product, web pages through the reader alone.

const rounds = 3
const pdfPages = 300
const htmlPages = 150

const words =
  "delivery return order refund warranty lamp chair invoice payment shipping address customer country price discount voucher account parcel courier weekend holiday store opening support question answer repair spare part battery charger manual colour size fabric wood metal glass".split(
    " ",
  )

/** The same text in every run: a small generator with a fixed start. */
function makeRandom(): () => number {
  let state = 12_345
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31
  }
}

function makeSentence(random: () => number, length: number): string {
  const picked = Array.from({ length }, () => words[Math.floor(random() * words.length)]!)
  const text = picked.join(" ")
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`
}

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!

async function time(work: (round: number) => unknown): Promise<number> {
  const ms: number[] = []
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now()
    await work(round)
    ms.push(performance.now() - startedAt)
  }
  return median(ms)
}

function report(label: string, value: number, goal: number, isAtMost: boolean): void {
  const isMet = isAtMost ? value <= goal : value >= goal
  const sign = isAtMost ? "≤" : "≥"
  console.log(
    `  ${label.padEnd(52)} ${value.toFixed(2)}   goal ${sign} ${goal}   ${isMet ? "ok" : "MISSED"}`,
  )
}

async function benchPdf(): Promise<void> {
  const { makePdf } = await import("#lib/knowledge/pdf.fixture.ts")
  const { addFileSource } = await import("#lib/knowledge/add-sources.ts")
  const { chunkText } = await import("#lib/knowledge/chunk.ts")
  const { extractText } = await import("#lib/knowledge/extract.ts")
  const { indexChunk } = await import("#lib/knowledge/corpus.ts")
  const { ingestSource } = await import("#lib/knowledge/ingest.ts")
  const { searchKnowledge } = await import("#lib/knowledge/search.ts")
  const { makeBot, makeTenant } = await import("#prisma/factories.ts")
  const random = makeRandom()
  const bytes = makePdf(
    Array.from({ length: pdfPages }, (_, page) => [
      { text: `${makeSentence(random, 3)} ${page + 1}`, size: 20 },
      ...Array.from({ length: 40 }, () => makeSentence(random, 11)),
    ]),
  )
  const { pages } = await extractText("pdf", bytes)
  const bare = await time(async () => {
    const pdf = await getDocumentProxy(Uint8Array.from(bytes))
    await extractBare(pdf, { mergePages: true })
  })
  const chunks = chunkText(pages)
  const indexing = await time(() =>
    chunkText(pages).map((chunk) => indexChunk("Manual", chunk, "en")),
  )
  const { scope } = await makeTenant()
  const searchable = await time(async (round) => {
    const { id: botId } = await makeBot(scope)
    const file = { fileName: `manual-${round}.pdf`, mediaType: "", bytes }
    const source = await addFileSource(scope, botId, file)
    const outcome = await ingestSource(source.id)
    const { passages } = await searchKnowledge(scope, botId, "refund for a damaged lamp", 3)
    if (outcome !== "ready" || passages.length === 0) throw new Error("The PDF is not searchable.")
  })
  const size = (bytes.length / 1024).toFixed(0)
  console.log(`PDF, ${pdfPages} pages, ${size} kB, ${chunks.length} passages`)
  console.log(`  bare unpdf ${bare.toFixed(0)} ms, indexing alone ${indexing.toFixed(0)} ms`)
  console.log(`  uploaded, read in its own process, stored and found ${searchable.toFixed(0)} ms`)
  report("searchable / (bare extraction + indexing)", searchable / (bare + indexing), 2, true)
}

async function benchHtml(): Promise<void> {
  const { Readability } = await import("@mozilla/readability")
  const { readHtml } = await import("#lib/knowledge/read-html.ts")
  const random = makeRandom()
  const pages = Array.from({ length: htmlPages }, (_, page) => {
    const links = Array.from({ length: 40 }, (_, i) => `<li><a href="/p/${i}">Page ${i}</a></li>`)
    const parts = Array.from(
      { length: 25 },
      (_, i) =>
        `<section><h2>Part ${i}</h2><p>${Array.from({ length: 6 }, () => makeSentence(random, 12)).join(" ")}</p><ul><li>${makeSentence(random, 5)}</li><li>${makeSentence(random, 5)}</li></ul></section>`,
    )
    return `<!doctype html><html><head><title>Page ${page}</title></head><body><header><nav><ul>${links.join("")}</ul></nav></header><main><article><h1>Page ${page}</h1>${parts.join("")}</article></main><footer>Imprint</footer></body></html>`
  })
  const bare = await time(() => {
    for (const html of pages) {
      new Readability(parseHTML(html).document as unknown as Document).parse()
    }
  })
  const ours = await time(() => {
    for (const html of pages) readHtml(html, "https://shop.example.com/")
  })
  const speed = (ms: number) => Math.round((htmlPages * 1_000) / ms)
  const size = (pages[0]!.length / 1024).toFixed(0)
  console.log(`HTML, ${htmlPages} pages of ${size} kB`)
  console.log(`  bare Readability + linkedom ${speed(bare)} pages/s, ours ${speed(ours)} pages/s`)
  report("ours / bare Readability + linkedom", bare / ours, 0.7, false)
}

const database = await createTestDatabase()
try {
  Object.assign(process.env, database.env, { LOG_LEVEL: "silent" })
  await benchPdf()
  await benchHtml()
} finally {
  const { disconnect } = await import("#lib/tenancy/database.ts")
  await disconnect()
  await database.stop()
}
