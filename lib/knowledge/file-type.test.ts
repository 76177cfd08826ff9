import { expect, test } from "vitest"
import { cleanText, cleanTitle } from "./clean.ts"
import { checkFile, decodeText } from "./file-type.ts"
import { makePdf } from "./pdf.fixture.ts"

const codeOf = (bytes: Uint8Array) => {
  try {
    return checkFile(bytes)
  } catch (error) {
    return (error as { code: string }).code
  }
}

test("the bytes decide, not the name", () => {
  expect(codeOf(makePdf([["x"]]))).toBe("pdf")
  expect(codeOf(Buffer.concat([Buffer.from("\n\n"), makePdf([["x"]])]))).toBe("pdf")
  expect(codeOf(Buffer.from("# Returns\n\nWithin 30 days."))).toBe("text")
})

test.each([
  ["a program", Buffer.from("MZ\u0090\0\u0003\0\0\0\u0004\0\0\0\0\0\0\0\u00b8", "latin1")],
  ["an ELF program", Buffer.from(`\x7fELF\x02\x01\x01${"\0".repeat(40)}`, "latin1")],
  ["a broken zip or Word file", Buffer.from("PK\x03\x04\x14\0\x06\0rest of it")],
  ["an old Word file", Buffer.from("d0cf11e0a1b11ae1", "hex")],
  ["a picture", Buffer.from("89504e470d0a1a0a", "hex")],
  ["a drawing", Buffer.from("<svg><text>x</text></svg>")],
  ["a film", Buffer.from(`\0\0\0\x20ftypisom\0\0\x02\0${"\0\x01".repeat(50)}`, "latin1")],
  [
    "a picture with a PDF header inside",
    Buffer.from("ffd8ffe000104a46494600010100255044462d312e34", "hex"),
  ],
])("%s is refused at once", (_, bytes) => {
  expect(codeOf(bytes)).toBe("unsupported_type")
})

test("an empty file, or one of blanks, is refused at once", () => {
  expect(codeOf(Buffer.from(""))).toBe("invalid")
  expect(codeOf(Buffer.from(" \n\t\u00a0 \ufeff"))).toBe("invalid")
})

test("a file beyond 20 MB is refused at once, one of exactly 20 MB is not", () => {
  expect(codeOf(Buffer.alloc(20 * 1024 * 1024 + 1, "a"))).toBe("too_large")
  expect(codeOf(Buffer.alloc(20 * 1024 * 1024, "a"))).toBe("text")
})

test("text is read in UTF-8, UTF-16 and Latin-1, with mark or without", () => {
  const text = "Größe: 5 €, schön"
  expect(decodeText(Buffer.from(text))).toBe(text)
  expect(decodeText(Buffer.from(`\ufeff${text}`))).toBe(text)
  expect(decodeText(Buffer.from(`\ufeff${text}`, "utf16le"))).toBe(text)
  expect(decodeText(Buffer.from(`\ufeff${text}`, "utf16le").swap16())).toBe(text)
  expect(decodeText(Buffer.from("Rückgabe in Köln: schöne Grüße", "utf16le"))).toBe(
    "Rückgabe in Köln: schöne Grüße",
  )
  expect(decodeText(Buffer.from("Größe schön", "latin1"))).toBe("Größe schön")
})

test("what is stored is well-formed and hides nothing", () => {
  expect(cleanText("a\0b\u202ec\u{e0041}d\ufeffe\ud800f\r\ng\fh")).toBe("abcde\ufffdf\ng\n\nh")
  expect(cleanTitle("  many\n  lines\u202e\u2066 ")).toBe("many lines")
  expect(cleanTitle("x".repeat(5_000))).toHaveLength(200)
})
