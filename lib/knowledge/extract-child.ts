// The PDF parser, alone in a process: it reads untrusted bytes, blocks while it works and can take any
// amount of memory. Bytes come in on stdin, JSON goes out on stdout; the parent kills it by the clock.
import { buffer } from "node:stream/consumers"
import { getResolvedPDFJS } from "unpdf"
import { readPdfPages, type TextItem } from "./pdf-text.ts"

export type ChildAnswer = { pages: string[] } | { problem: "password" | "broken" }

async function readPdf(bytes: Uint8Array): Promise<ChildAnswer> {
  const { getDocument, VerbosityLevel } = await getResolvedPDFJS()
  const loading = getDocument({
    data: bytes,
    verbosity: VerbosityLevel.ERRORS,
    // Only its text is wanted: no fonts, no forms.
    useSystemFonts: false,
    disableFontFace: true,
    enableXfa: false,
    stopAtErrors: false,
  })
  const pdf = await loading.promise
  const pages: TextItem[][] = []
  let brokenCount = 0
  for (let number = 1; number <= pdf.numPages; number++) {
    // One damaged page does not cost the owner the other ninety-nine.
    const items = await readPage(pdf, number).catch(() => null)
    if (!items) brokenCount++
    pages.push(items ?? [])
  }
  if (brokenCount > 0 && brokenCount === pdf.numPages) return { problem: "broken" }
  return { pages: readPdfPages(pages) }
}

type Pdf = Awaited<
  ReturnType<Awaited<ReturnType<typeof getResolvedPDFJS>>["getDocument"]>["promise"]
>

async function readPage(pdf: Pdf, number: number): Promise<TextItem[]> {
  const page = await pdf.getPage(number)
  const content = await page.getTextContent()
  page.cleanup()
  return content.items.flatMap((item) =>
    "str" in item
      ? [{ str: item.str, height: item.height, y: item.transform[5], hasEol: item.hasEOL }]
      : [],
  )
}

function describe(error: unknown): ChildAnswer {
  const name = error instanceof Error ? error.name : ""
  return { problem: name === "PasswordException" ? "password" : "broken" }
}

const input = new Uint8Array(await buffer(process.stdin))
const answer = await readPdf(input).catch(describe)
process.stdout.write(JSON.stringify(answer), () => process.exit(0))
