import { getResolvedPDFJS } from "unpdf"
import { readPdfPages, type TextItem } from "./pdf-text.ts"

export type PdfAnswer = { pages: string[] } | { problem: "broken" }

/** Reads a PDF's text, one entry a page, also for pages without any. Throws what the parser throws. */
export async function readPdf(
  bytes: Uint8Array,
  onPage: (done: number, total: number) => void,
): Promise<PdfAnswer> {
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
    if (number % 10 === 0 || number === pdf.numPages) onPage(number, pdf.numPages)
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
