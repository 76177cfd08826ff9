import { Parser } from "htmlparser2"
import { type Archive, ArchiveProblem } from "./archive.ts"

export type XmlHandler = {
  open?: (name: string, attributes: Record<string, string>) => void
  text?: (text: string) => void
  close?: (name: string) => void
}

/**
 * Walks one XML part. A part with a document type is refused: Office writes none, and entities and
 * external definitions live there. Names come without their namespace prefix.
 */
export function walkXml(archive: Archive, part: string, handler: XmlHandler): void {
  const xml = readXml(archive, part)
  if (xml === null) return
  const parser = new Parser(
    {
      onopentag: (name, attributes) => handler.open?.(localName(name), attributes),
      ontext: (text) => handler.text?.(text),
      onclosetag: (name) => handler.close?.(localName(name)),
    },
    { xmlMode: true, decodeEntities: true },
  )
  parser.end(xml)
}

/** A part's text; null when it is not there. Throws ArchiveProblem for one with a document type. */
export function readXml(archive: Archive, part: string): string | null {
  const bytes = archive.read(part)
  if (!bytes) return null
  const encoding = bytes[0] === 0xff || bytes[0] === 0xfe ? "utf-16" : "utf-8"
  const xml = new TextDecoder(encoding).decode(bytes)
  if (/<!(?:DOCTYPE|ENTITY)/i.test(xml)) throw new ArchiveProblem("broken")
  return xml
}

const localName = (name: string) => name.slice(name.indexOf(":") + 1)

/** Targets of a part's relations by id, as names within the archive. External ones are left out. */
export function readRelations(archive: Archive, part: string): Map<string, string> {
  const folder = part.slice(0, part.lastIndexOf("/") + 1)
  const relations = new Map<string, string>()
  walkXml(archive, `${folder}_rels/${part.slice(folder.length)}.rels`, {
    open(name, attributes) {
      if (name !== "Relationship" || attributes.TargetMode === "External") return
      const target = new URL(attributes.Target ?? "", `zip:///${folder}`).pathname.slice(1)
      relations.set(attributes.Id ?? "", target)
    },
  })
  return relations
}
