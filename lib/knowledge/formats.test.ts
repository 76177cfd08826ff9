import { deflateRawSync } from "node:zlib"
import { strToU8, zipSync } from "fflate"
import { describe, expect, test } from "vitest"
import { openArchive } from "./archive.ts"
import { extractText } from "./extract.ts"
import { checkFile, mediaTypes } from "./file-type.ts"
import {
  makeSlides,
  makeWord,
  makeWorkbook,
  makeZip,
  wordParagraph,
  wordTable,
} from "./office.fixture.ts"
import { makePdf } from "./pdf.fixture.ts"
import { readCsv } from "./read-csv.ts"
import { readHtml } from "./read-html.ts"
import { readPairs } from "./read-pairs.ts"
import { readSheets } from "./read-sheets.ts"
import { readSlides } from "./read-slides.ts"
import { readWord } from "./read-word.ts"

const read = async (bytes: Uint8Array, fileName = "") =>
  extractText(checkFile(bytes, fileName), bytes)
const refusal = (bytes: Uint8Array, fileName = "") => {
  try {
    return checkFile(bytes, fileName)
  } catch (error) {
    return (error as { detail: string }).detail
  }
}

describe("Word", () => {
  test("headings, paragraphs and tables keep their structure", async () => {
    const body =
      wordParagraph("Returns", "Heading1") +
      wordParagraph("Send it back within 30 days.") +
      wordTable([
        ["Country", "Days"],
        ["France", "30"],
        ["Japan", "45"],
      ])
    expect(await readWord(openArchive(makeWord(body)))).toBe(
      "# Returns\n\nSend it back within 30 days.\n\n- Country: France; Days: 30\n- Country: Japan; Days: 45",
    )
  })

  test("links and pictures that lead out are words alone, and nothing is fetched", async () => {
    const link = `<w:p><w:hyperlink r:id="rLink"><w:r><w:t>Our shop</w:t></w:r></w:hyperlink></w:p>`
    const picture = `<w:p><w:r><w:drawing><wp:inline><wp:docPr descr="x"/><a:graphic><a:graphicData><pic:pic><pic:blipFill><a:blip r:link="rImage"/></pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>`
    const extract = await read(makeWord(link + picture + wordParagraph("The end.")))
    expect(extract.pages).toEqual([{ number: null, text: "Our shop\n\nThe end." }])
  })

  test("a document type inside, with its entities, is refused", async () => {
    const hostile = makeWord("", {
      "word/document.xml": `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><w:document xmlns:w="w"><w:body><w:p><w:r><w:t>&e;</w:t></w:r></w:p></w:body></w:document>`,
    })
    await expect(read(hostile)).rejects.toThrow(/damaged/)
  })
})

describe("PowerPoint", () => {
  test("slides come in the order they are shown, each with its title", () => {
    const bytes = makeSlides([
      { title: "Welcome", lines: ["Open from nine to five."] },
      { lines: ["Second slide."] },
    ])
    expect(readSlides(openArchive(bytes))).toEqual([
      "# Welcome\n\nOpen from nine to five.",
      "Second slide.",
    ])
  })

  test("slides without text are named", async () => {
    const bytes = makeSlides([{ lines: ["One."] }, { lines: [] }, { lines: [] }])
    const { pages, notice } = await read(bytes)
    expect(pages).toEqual([{ number: 1, text: "One." }])
    expect(notice).toBe("Slides 2–3 hold no text, only pictures perhaps. The bot knows the rest.")
  })
})

describe("Excel and CSV", () => {
  test("each row keeps the names of its columns; dates, shares and money read as shown", () => {
    const bytes = makeWorkbook([
      {
        name: "Prices",
        rows: [
          ["Product", "Since", "Discount", "Price"],
          ["Lamp", { value: 46_000, style: 1 }, { value: 0.15, style: 2 }, { value: 30, style: 3 }],
        ],
      },
      {
        name: "Hours",
        rows: [
          ["Day", "Opens"],
          ["Monday", 9],
        ],
      },
      {
        name: "Wages",
        state: "hidden",
        rows: [
          ["Name", "Wage"],
          ["Someone", 1],
        ],
      },
    ])
    expect(readSheets(openArchive(bytes))).toEqual({
      text: "## Prices\n\n- Product: Lamp; Since: 2025-12-09; Discount: 15 %; Price: 30 €\n\n## Hours\n\n- Day: Monday; Opens: 9",
      hiddenNames: ["Wages"],
    })
  })

  test("hidden sheets are named and not read", async () => {
    const rows = [
      ["Day", "Opens"],
      ["Monday", 9],
    ]
    const { notice, pages } = await read(
      makeWorkbook([
        { name: "Shown", rows },
        {
          name: "Wages",
          state: "veryHidden",
          rows: [
            ["Secret", "Row"],
            ["x", 1],
          ],
        },
      ]),
    )
    expect(notice).toBe("Hidden sheets were not read: “Wages”.")
    expect(JSON.stringify(pages)).not.toContain("Secret")
  })

  test.each([
    ["commas", 'Product,Price\n"Lamp, small",30\nChair,50'],
    ["semicolons", '\ufeffProduct;Price\n"Lamp, small";30\nChair;50'],
    ["tabs", "Product\tPrice\nLamp, small\t30\nChair\t50"],
  ])("rows separated by %s keep their headers", (_, text) => {
    expect(readCsv(text)).toBe("- Product: Lamp, small; Price: 30\n- Product: Chair; Price: 50")
  })

  test("a table without headers is read as its rows", () => {
    expect(readCsv("1,2\n3,4")).toBe("- 1 | 2\n- 3 | 4")
  })
})

describe("HTML", () => {
  const page = `<!doctype html><html><head><title>Delivery | Shop</title><base href="/help/"></head><body>
    <nav><a href="/">Home</a> <a href="returns#top">Returns</a></nav><script>var evil = 1</script>
    <main><h1>Delivery</h1><p>We deliver in <b>two</b> days.</p><ul><li>Standard</li><li>Express</li></ul>
    <table><tr><th>Zone</th><th>Price</th></tr><tr><td>EU</td><td>5 €</td></tr></table>
    <p>Ask <a href="mailto:a@example.com">us</a> <a href="https://other.example.org/x" rel="nofollow">x</a></p></main>
    <footer>Imprint</footer></body></html>`

  test("the page's text comes without its frame; links are absolute", () => {
    const read = readHtml(page, "https://shop.example.com/help/delivery")
    expect(read.title).toBe("Delivery | Shop")
    expect(read.text).toBe(
      "# Delivery\n\nWe deliver in two days.\n\n- Standard\n- Express\n\n- Zone: EU; Price: 5 €\n\nAsk us x",
    )
    expect(read.links).toEqual([
      "https://shop.example.com/",
      "https://shop.example.com/help/returns",
    ])
  })

  test("a page of many short parts is not cut down to its longest", () => {
    const parts = Array.from(
      { length: 12 },
      (_, i) => `<section><h2>Question ${i}</h2><p>Answer number ${i}, short.</p></section>`,
    )
    const { text } = readHtml(`<html><body><div>${parts.join("")}</div></body></html>`)
    for (let i = 0; i < 12; i++) expect(text).toContain(`Answer number ${i}`)
  })

  test("an uploaded page is read in its own character set", async () => {
    const bytes = Buffer.from(
      '<html><head><meta charset="iso-8859-1"><title>x</title></head><body><p>Größe</p></body></html>',
      "latin1",
    )
    expect((await read(bytes, "x.htm")).pages[0]!.text).toBe("Größe")
  })

  test("a page nested thirty thousand deep is refused or read, in time", async () => {
    const deep = Buffer.from(`<html><body>${"<div>".repeat(30_000)}deep`)
    const outcome = await read(deep).then(
      () => "read",
      (error: Error) => error.name,
    )
    expect(["read", "SourceProblem"]).toContain(outcome)
  }, 40_000)
})

describe("questions and answers", () => {
  test.each([
    ["a list", '[{"question":"Why?","answer":"Because."},{"question":"","answer":"x"},5]'],
    ["short names under a name", '{"faqs":[{"Q":"Why?","A":"Because."}]}'],
    ["an object", '{"Why?":"Because."}'],
    ["lines", '{"prompt":"Why?","response":"Because."}\nnot json\n'],
  ])("come from %s", (_, text) => {
    expect(readPairs(text)).toEqual([{ question: "Why?", answer: "Because." }])
  })

  test("a file without any says what each entry needs", async () => {
    await expect(read(Buffer.from('{"a":1}'), "x.json")).rejects.toThrow(/“question”/)
  })
})

test("pages of a PDF without text are named", async () => {
  const { notice, pages } = await read(makePdf([["One"], [], ["Three"], [], []]))
  expect(pages.map(({ number }) => number)).toEqual([1, 3])
  expect(notice).toBe("Pages 2, 4–5 hold no text, only pictures perhaps. The bot knows the rest.")
})

describe("hostile files", () => {
  /** A zip whose directory says what the test wants. */
  const forge = (change: (view: Buffer, entryAt: number) => void, body = "x") => {
    const bytes = Buffer.from(makeZip({ "word/document.xml": body }))
    change(bytes, bytes.indexOf(Buffer.from("504b0102", "hex")))
    return bytes
  }

  test("D06 a bomb with honest sizes is refused before anything is inflated", () => {
    const zeros = new Uint8Array(24 * 1024 * 1024)
    const bomb = zipSync({ "word/document.xml": zeros, "word/b.xml": strToU8("x") })
    expect(bomb.length).toBeLessThan(100_000)
    expect(refusal(bomb)).toMatch(/unpack to far more/)
  })

  test("D08 a bomb that lies about its size stops at the size it names", () => {
    const packed = deflateRawSync(Buffer.alloc(32 * 1024 * 1024))
    const zip = Buffer.from(zipSync({ "word/document.xml": new Uint8Array(packed) }, { level: 0 }))
    // Stored bytes are declared deflated, and as large as they look.
    for (const signature of ["504b0304", "504b0102"]) {
      const at = zip.indexOf(Buffer.from(signature, "hex"))
      zip.writeUInt16LE(8, at + (signature === "504b0304" ? 8 : 10))
    }
    expect(() => openArchive(zip).read("word/document.xml")).toThrow("bomb")
  })

  test.each(["../../etc/passwd", "/etc/passwd", "C:/x", "a\\..\\b", "a/../../b"])(
    "D09 a name that leads out (%s) condemns the archive: nothing of it is written anywhere",
    (name) => {
      expect(refusal(makeZip({ "word/document.xml": "x", [name]: "x" }))).toMatch(/damaged/)
    },
  )

  test("D08, D09 links, passwords, ZIP64 and entries that share bytes are refused", () => {
    expect(refusal(forge((view, at) => view.writeUInt32LE(0o120777 * 65_536, at + 38)))).toMatch(
      /damaged/,
    )
    expect(refusal(forge((view, at) => view.writeUInt16LE(1, at + 8)))).toMatch(/password/)
    expect(refusal(forge((view, at) => view.writeUInt32LE(0xffffffff, at + 24)))).toMatch(/unpack/)
    expect(refusal(forge((view, at) => view.writeUInt32LE(1_000_000, at + 20)))).toMatch(/unpack/)
  })

  test("D08 a hundred thousand entries are refused by their number", () => {
    const many = forge((view) => {
      view.writeUInt16LE(20_000, view.length - 22 + 10)
    })
    expect(refusal(many)).toMatch(/unpack/)
  })

  test("zip files, archives in archives and encrypted Office files say what to do", () => {
    expect(refusal(makeZip({ "a.txt": "x" }))).toMatch(/^Zip files cannot be read/)
    expect(refusal(makeZip({ "inner.zip": makeZip({ "a.txt": "x" }) }))).toMatch(/^Zip files/)
    const ole = Buffer.from("d0cf11e0a1b11ae1", "hex")
    const locked = Buffer.concat([ole, Buffer.from("EncryptedPackage", "utf16le")])
    expect(refusal(locked, "x.docx")).toMatch(/password-protected/)
    expect(refusal(ole, "x.doc")).toMatch(/^Old Office files/)
  })

  test("a name makes no type: a program called .csv, a picture called .html", () => {
    expect(refusal(Buffer.from("MZ\u0090\0\u0003\0\0\0\u0004\0\0\0", "latin1"), "x.csv")).toMatch(
      /^Upload a PDF/,
    )
    expect(refusal(Buffer.from("89504e470d0a1a0a", "hex"), "x.html")).toMatch(/^Pictures/)
    expect(refusal(makePdf([["x"]]), "x.docx")).toBe("pdf")
    expect(refusal(Buffer.from('<?xml version="1.0"?><svg/>'))).toMatch(/^Upload a PDF/)
  })

  test("a file that begins as PDF and goes on as a page is a PDF and nothing else", () => {
    const both = Buffer.concat([makePdf([["x"]]), Buffer.from("<html><script>alert(1)</script>")])
    expect(refusal(both, "x.html")).toBe("pdf")
  })

  test("an Office file cut in the middle is refused as damaged", () => {
    const whole = makeWord(wordParagraph("x"))
    expect(refusal(whole.subarray(0, whole.length / 2))).toMatch(/damaged/)
  })
})

test("every type has a media type", () => {
  expect(Object.keys(mediaTypes)).toHaveLength(8)
})
