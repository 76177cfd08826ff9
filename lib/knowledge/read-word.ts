import { zipSync } from "fflate"
import mammoth from "mammoth"
import type { Archive } from "./archive.ts"
import { readXml } from "./office-xml.ts"
import { readFragment } from "./read-html.ts"

/** Text and what gives it structure. Pictures, templates, settings and embedded files stay behind. */
const wanted =
  /^(?:\[Content_Types\]\.xml|_rels\/\.rels|word\/(?:document|styles|numbering|footnotes|endnotes)\w*\.xml|word\/_rels\/(?:document|footnotes|endnotes)\w*\.xml\.rels)$/

/** Reads a Word document's text with its headings, lists and tables. */
export async function readWord(archive: Archive): Promise<string> {
  const parts: Record<string, Uint8Array> = {}
  for (const name of archive.names.filter((part) => wanted.test(part))) {
    const xml = readXml(archive, name)
    if (xml !== null) parts[name] = Buffer.from(dropExternal(xml))
  }
  // Packed anew from what was inflated and counted: mammoth sees no byte that was not judged here.
  const buffer = Buffer.from(zipSync(parts, { level: 0 }))
  const { value } = await mammoth.convertToHtml(
    { buffer },
    {
      externalFileAccess: false,
      convertImage: mammoth.images.imgElement(async () => ({ src: "" })),
      styleMap: ["p[style-name='Title'] => h1:fresh", "p[style-name='Subtitle'] => h2:fresh"],
    },
  )
  return readFragment(value)
}

/** What leads out of the file leads nowhere; a link's words are in the text already. */
function dropExternal(xml: string): string {
  return xml.replace(/<Relationship\b[^>]*TargetMode="External"[^>]*>/g, (relation) =>
    relation.replace(/Target="[^"]*"/, 'Target="about:blank"'),
  )
}
