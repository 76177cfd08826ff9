import type { Archive } from "./archive.ts"
import { readRelations, walkXml } from "./office-xml.ts"

const presentation = "ppt/presentation.xml"
const maxSlides = 2_000

/**
 * Reads a presentation, one text a slide in the order they are shown. Speaker notes are not read: they
 * are written for the speaker, not for visitors.
 */
export function readSlides(archive: Archive): string[] {
  const relations = readRelations(archive, presentation)
  const slides: string[] = []
  walkXml(archive, presentation, {
    open(name, attributes) {
      const target = name === "sldId" ? relations.get(attributes["r:id"] ?? "") : undefined
      if (target && slides.length < maxSlides) slides.push(target)
    },
  })
  return slides.map((slide) => readSlide(archive, slide))
}

function readSlide(archive: Archive, part: string): string {
  const titles: string[] = []
  const blocks: string[] = []
  let isTitle = false
  let isText = false
  let paragraph = ""
  let row: string[] | null = null
  let cell = ""
  walkXml(archive, part, {
    open(name, attributes) {
      if (name === "sp") isTitle = false
      else if (name === "ph") isTitle = /^(?:title|ctrTitle)$/.test(attributes.type ?? "")
      else if (name === "p") paragraph = ""
      else if (name === "t") isText = true
      else if (name === "br") paragraph += " "
      else if (name === "tr") row = []
      else if (name === "tc") cell = ""
    },
    text(text) {
      if (isText) paragraph += text
    },
    close(name) {
      if (name === "t") isText = false
      else if (name === "p") {
        const text = paragraph.replace(/\s+/g, " ").trim()
        if (row) cell += cell && text ? ` ${text}` : text
        else if (text) (isTitle ? titles : blocks).push(text)
      } else if (name === "tc") row?.push(cell)
      else if (name === "tr") {
        if (row?.some(Boolean)) blocks.push(row.join(" | "))
        row = null
      }
    },
  })
  const heading = titles.length > 0 ? [`# ${titles.join(" ")}`] : []
  return [...heading, ...blocks].join("\n\n")
}
