import { createServer } from "node:http"
import { Socket } from "node:net"
import {
  makeSlides,
  makeWord,
  makeWorkbook,
  makeZip,
  wordParagraph,
} from "#lib/knowledge/office.fixture.ts"
import { makePdf } from "#lib/knowledge/pdf.fixture.ts"
import { call, openShop, type Shop, waitForSource } from "../counter.ts"
import { listenOnLoopback } from "../fake-model.ts"
import { expect, test } from "../fixtures.ts"

// Documents that mean harm, sent to the server API of a built deployment and read by its worker.

let shop: Shop
let sinkUrl = ""
let sinkHits = 0
const sink = createServer((_, response) => {
  sinkHits += 1
  response.end("secret of the inner network")
})

test.beforeAll(async ({ deployment }) => {
  shop = await openShop(deployment)
  sinkUrl = `http://127.0.0.1:${await listenOnLoopback(sink)}`
})
test.afterAll(() => {
  sink.closeAllConnections()
  sink.close()
})

type Source = {
  id: string
  title: string
  status: string
  error: string | null
  chunkCount: number
  byteSize: number
}

function upload(name: string, bytes: Uint8Array | string, mediaType = "", on: Shop = shop) {
  const form = new FormData()
  form.set("file", new File([bytes as BlobPart], name, mediaType ? { type: mediaType } : {}))
  return on.api<Source & { code: string; detail: string }>(`/v1/bots/${on.botId}/sources`, {
    method: "POST",
    body: form,
  })
}

async function settle(id: string, on: Shop = shop): Promise<Source> {
  const startedAt = Date.now()
  for (;;) {
    const { body } = await on.api<Source>(`/v1/sources/${id}`)
    if (body.status === "ready" || body.status === "failed") return body
    expect(Date.now() - startedAt, `${body.title} is still ${body.status}`).toBeLessThan(30_000)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const search = async (query: string) => {
  const { body } = await shop.api<{ data: { text: string; title: string; sourceId: string }[] }>(
    `/v1/bots/${shop.botId}/search`,
    { body: { query, limit: 20 } },
  )
  return body.data
}

const program = Buffer.from(`MZ\u0090\0\u0003\0\0\0\u0004\0\0\0${"\0\u0001".repeat(200)}`, "latin1")
const film = Buffer.from(`\0\0\0\x20ftypisom\0\0\x02\0${"\0\x01".repeat(200)}`, "latin1")
const plainZip = Buffer.from(makeZip({ "a.txt": "x" }))
const picture = Buffer.concat([
  Buffer.from("89504e470d0a1a0a0000000d49484452000075300000753008020000", "hex"),
  Buffer.alloc(64),
])
const avif = Buffer.concat([Buffer.from("0000001c6674797061766966", "hex"), Buffer.alloc(100)])
const oldOffice = Buffer.concat([Buffer.from("d0cf11e0a1b11ae1", "hex"), Buffer.alloc(512)])
const lockedOffice = Buffer.concat([oldOffice, Buffer.from("EncryptedPackage", "utf16le")])

/** A zip whose directory names sizes of the test's choice. */
function forgeSizes(bytes: number, packed?: number): Buffer {
  const zip = Buffer.from(makeZip({ "word/document.xml": "x".repeat(40_000) }))
  const at = zip.indexOf(Buffer.from("504b0102", "hex"))
  zip.writeUInt32LE(bytes, at + 24)
  if (packed !== undefined) zip.writeUInt32LE(packed, at + 20)
  return zip
}

test.describe("what can never be read is refused at once, by its bytes, and nothing of it is kept:", () => {
  const refused: [string, string, Uint8Array | string, number][] = [
    ["D01 no byte", "empty.txt", "", 422],
    ["D01 blanks alone", "blank.md", " \n\t\u00a0\ufeff ", 422],
    ["D02 a program as a PDF", "invoice.pdf", program, 415],
    ["D02 a program as a Word file", "letter.DOCX", program, 415],
    ["D02 a program as text, with two extensions", "readme.txt.exe.txt", program, 415],
    ["D02 a zip as a PDF", "scan.pdf", plainZip, 415],
    ["D02 a zip as a Word file", "letter.docx", plainZip, 415],
    ["D02 a film as a PDF", "clip.PDF", film, 415],
    ["D02 a film as text", "clip.txt", film, 415],
    ["D04 a Word file with a password", "locked.docx", lockedOffice, 415],
    [
      "D06 four gigabytes in a Word file, as its directory says",
      "bomb.docx",
      forgeSizes(0xfffffff0),
      415,
    ],
    ["D08 a bomb called .doc", "bomb.doc", forgeSizes(0xfffffff0), 415],
    ["D08 a bomb called .pdf", "bomb.pdf", forgeSizes(200_000_000), 415],
    ["D08 a bomb called .txt", "bomb.txt", forgeSizes(0xffffffff, 0xffffffff), 415],
    ["D08 a zip in a zip", "nested.docx", makeZip({ "inner.zip": makeZip({ "a.txt": "x" }) }), 415],
    [
      "D09 a name that leads out",
      "slip.docx",
      makeZip({ "word/document.xml": "x", "../../etc/cron.d/x": "x" }),
      415,
    ],
    ["D19 a picture of 30,000 by 30,000 points", "logo.png", picture, 415],
    [
      "D19 a drawing with a script",
      "logo.svg",
      `<svg onload="alert(1)"><script>alert(1)</script></svg>`,
      415,
    ],
    ["D19 an AVIF", "logo.avif", avif, 415],
  ]
  for (const [title, name, bytes, status] of refused)
    test(title, async () => {
      const before = (
        await shop.api<{ data: Source[] }>(`/v1/bots/${shop.botId}/sources?limit=200`)
      ).body
      const answer = await upload(name, bytes, "application/pdf")
      expect([answer.status, answer.text]).toEqual([status, expect.stringMatching(/problem|code/)])
      // A sentence for people: what it is, or what to do instead.
      expect(answer.body.detail.length).toBeGreaterThan(10)
      const after = (await shop.api<{ data: Source[] }>(`/v1/bots/${shop.botId}/sources?limit=200`))
        .body
      expect(after.data.map(({ id }) => id)).toEqual(before.data.map(({ id }) => id))
    })
})

test("D02 a page called .pdf is read as the text it is, and never as a PDF", async () => {
  const { status, body } = await upload(
    "page.pdf",
    "<p>The cormorant rule is four.</p>",
    "image/png",
  )
  expect(status).toBe(202)
  expect(await settle(body.id)).toMatchObject({ status: "ready" })
  expect((await search("cormorant rule"))[0]?.text).toContain("The cormorant rule is four.")
})

test("D03 a file that is two things is one of them, and no address gives it back", async ({
  deployment,
}) => {
  const pdf = makePdf([["The polyglot clause is nine."]])
  const tails = ["<html><script>alert(1)</script>", "\n// */ alert(1)", Buffer.from(plainZip)]
  for (const tail of tails) {
    const bytes = Buffer.concat([pdf, Buffer.from(tail)])
    const { body } = await upload("both.html", bytes, "text/html")
    expect(await settle(body.id)).toMatchObject({ status: "ready" })
    const paths = ["", "/file", "/original", "/content", "/download"].map(
      (end) => `/v1/sources/${body.id}${end}`,
    )
    for (const path of paths) {
      const answer = await shop.api(path)
      expect([200, 404]).toContain(answer.status)
      expect(answer.headers.get("content-type")).toMatch(/^application\/(?:problem\+)?json/)
      expect(answer.text).not.toContain("alert(1)")
    }
  }
  const { openapi, paths } = (
    await call<{ openapi: string; paths: Record<string, Record<string, { responses: object }>> }>(
      deployment,
      "/v1/openapi.json",
      { headers: { authorization: `Bearer ${shop.secretKey}` } },
    )
  ).body
  expect(openapi).toMatch(/^3/)
  // Every answer about a source is JSON: none is a file.
  for (const [path, methods] of Object.entries(paths).filter(([path]) => path.includes("source")))
    for (const { responses } of Object.values(methods))
      expect(JSON.stringify(responses), path).not.toMatch(
        /octet-stream|application\/pdf|text\/html/,
      )
})

test("D04 a PDF with a password fails within half a minute and says so; other work goes on meanwhile", async () => {
  const locked = await upload("locked.pdf", makePdf([["x"]], { isEncrypted: true }))
  const corrupt = await upload("broken.pdf", "%PDF-1.7 and nothing else")
  const fine = await upload("fine.txt", "The heron fee is eleven euros.")
  expect(await settle(locked.body.id)).toMatchObject({
    status: "failed",
    error: expect.stringMatching(/password-protected/),
    chunkCount: 0,
  })
  expect(await settle(corrupt.body.id)).toMatchObject({
    status: "failed",
    error: expect.stringMatching(/damaged/),
    chunkCount: 0,
  })
  expect(await settle(fine.body.id)).toMatchObject({ status: "ready" })
})

test("D10 nothing in a document is fetched or read from our disk: entities, templates, pictures, links", async ({
  deployment,
}) => {
  test.setTimeout(150_000)
  // An account may upload sixty files a minute.
  shop = await openShop(deployment)
  const file = "file:///etc/passwd"
  const entities = `<!DOCTYPE x [<!ENTITY f SYSTEM "${file}"><!ENTITY s SYSTEM "${sinkUrl}/dtd"><!ENTITY % p SYSTEM "${sinkUrl}/p.dtd">%p;]>`
  const laughs = `<!DOCTYPE x [<!ENTITY a "ha">${Array.from({ length: 12 }, (_, i) => {
    const name = String.fromCharCode(98 + i)
    return `<!ENTITY ${name} "${`&${String.fromCharCode(97 + i)};`.repeat(10)}">`
  }).join("")}]>`
  const rels = (target: string) =>
    `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${[
      "attachedTemplate",
      "image",
      "hyperlink",
      "frame",
      "subDocument",
      "oleObject",
      "externalLinkPath",
      "slide",
    ]
      .map(
        (type, i) =>
          `<Relationship Id="x${i}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/${type}" Target="${target}" TargetMode="External"/>`,
      )
      .join("")}</Relationships>`
  const picture = `<w:p><w:r><w:drawing><wp:inline><a:graphic><a:graphicData><pic:pic><pic:blipFill><a:blip r:link="x1"/></pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>`
  const word = (head: string, text: string) =>
    makeWord("", {
      "word/document.xml": `${head}<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>${text}</w:t></w:r></w:p></w:body></w:document>`,
    })
  const page = `<html><head><link rel="stylesheet" href="${sinkUrl}/a.css"><script src="${sinkUrl}/a.js"></script></head><body><main><p>Words of the kingfisher.</p><img src="${sinkUrl}/a.png"><svg><image href="${sinkUrl}/b.png"/></svg><iframe src="${sinkUrl}/c"></iframe><object data="${file}"></object></main></body></html>`
  const files: [string, Uint8Array | string][] = [
    ["entities.docx", word(entities, "&f; &s;")],
    ["laughs.docx", word(laughs, "&l;")],
    [
      "template.docx",
      makeWord(picture + wordParagraph("Words of the bittern."), {
        "word/_rels/document.xml.rels": rels(sinkUrl),
        "word/_rels/settings.xml.rels": rels(sinkUrl),
      }),
    ],
    [
      "files.docx",
      makeWord(picture + wordParagraph("Words of the egret."), {
        "word/_rels/document.xml.rels": rels(file),
      }),
    ],
    [
      "entities.pptx",
      makeSlides([{ lines: ["x"] }], {
        "ppt/slides/slide0.xml": `${entities}<p:sld xmlns:p="p" xmlns:a="a"><a:t>&f;</a:t></p:sld>`,
      }),
    ],
    [
      "remote.pptx",
      makeSlides([{ lines: ["Words of the stilt."] }], {
        "ppt/slides/_rels/slide0.xml.rels": rels(sinkUrl),
      }),
    ],
    [
      "entities.xlsx",
      makeWorkbook([{ name: "A", rows: [["x"]] }], {
        "xl/sharedStrings.xml": `${entities}<sst><si><t>&f;</t></si></sst>`,
      }),
    ],
    [
      "remote.xlsx",
      makeWorkbook(
        [
          {
            name: "A",
            rows: [
              ["Bird", "Words"],
              ["Plover", "of the plover"],
            ],
          },
        ],
        {
          "xl/externalLinks/externalLink1.xml": "<externalLink/>",
          "xl/externalLinks/_rels/externalLink1.xml.rels": rels(sinkUrl),
          "xl/_rels/more.rels": rels(file),
        },
      ),
    ],
    ["page.html", page],
    [
      "drawing.html",
      `<body><svg><image href="${file}"/><foreignObject><p>Words.</p></foreignObject></svg><p>Words of the avocet.</p></body>`,
    ],
    ["feed.txt", `${entities}<feed>&f;</feed>`],
  ]
  for (const [name, bytes] of files) {
    const { status, body } = await upload(name, bytes)
    if (status !== 202) continue
    await settle(body.id)
    const found = JSON.stringify(await search("root bin daemon nologin words"))
    expect(found, name).not.toContain("root:x:0")
    expect(found, name).not.toContain("secret of the inner network")
  }
  expect(sinkHits).toBe(0)
})

test("D11 floods of text are capped, in one line, without a space, or in two million pieces, and hold nobody up", async ({
  deployment,
}) => {
  test.setTimeout(150_000)
  const neighbour = await openShop(deployment)
  const fifty = await upload("line.txt", Buffer.alloc(50 * 1024 * 1024, "a"))
  expect(fifty.status).toBe(413)
  const spaceless = await upload("spaceless.txt", "x".repeat(1_000_000))
  const oneLine = await upload("one-line.txt", Buffer.alloc(19 * 1024 * 1024, "word "))
  const pieces = await upload("pieces.md", Buffer.alloc(19 * 1024 * 1024, "# a\n\nb\n\n"))
  const small = await upload("small.txt", "The ibis is in time.", "", neighbour)
  const startedAt = Date.now()
  expect(await settle(small.body.id, neighbour)).toMatchObject({ status: "ready" })
  expect(Date.now() - startedAt).toBeLessThan(20_000)
  for (const { body } of [spaceless, oneLine, pieces]) {
    const source = await settle(body.id)
    expect(source.chunkCount, source.title).toBeLessThanOrEqual(5_000)
    if (source.status === "failed")
      expect(source.error).toMatch(/more text than one source|too complicated|too long/)
  }
})

test("D12 text in any encoding is stored as valid text", async ({ deployment }) => {
  // An account may upload sixty files a minute.
  shop = await openShop(deployment)
  const text = "Grüße vom Wiedehopf: 5 €"
  const files: [string, Buffer][] = [
    ["sixteen-little", Buffer.from(`\ufeff${text}`, "utf16le")],
    ["sixteen-big", Buffer.from(`\ufeff${text}`, "utf16le").swap16()],
    ["latin", Buffer.from(text.replace("€", "EUR"), "latin1")],
    [
      "invalid",
      Buffer.concat([Buffer.from(`${text} `.repeat(100)), Buffer.from([0xff, 0xc0, 0x80])]),
    ],
    [
      "zeros",
      Buffer.from(`${text} with \0 a zero, and a lone half \ud800. ${"More words. ".repeat(20)}`),
    ],
  ]
  for (const [name, bytes] of files) {
    const { status, body } = await upload(`${name}.txt`, bytes)
    expect(status, name).toBe(202)
    expect(await settle(body.id), name).toMatchObject({ status: "ready" })
    const found = (await search("Grüße vom Wiedehopf")).find(({ sourceId }) => sourceId === body.id)
    expect(found?.text, name).toContain("Grüße vom Wiedehopf")
    expect(found?.text.isWellFormed(), name).toBe(true)
    expect(found?.text, name).not.toContain("\0")
  }
})

test("D13 a hostile file name is a plain title and never a path", async () => {
  const names: [string, RegExp][] = [
    [`${"n".repeat(5_000)}.txt`, /^n{199}…$/],
    ["../../etc/passwd", /^passwd$/],
    ["..\\..\\windows\\x.txt", /^x$/],
    ["a\u0000b.txt", /^ab$/],
    ["invoice\u202efdp.txt", /^invoicefdp$/],
    ["CON", /^CON$/],
    [`"quoted" 'name'.txt`, /quoted/],
    ["😀.txt", /^😀$/],
    ["<img src=x onerror=alert(1)>.txt", /^<img src=x onerror=alert\(1\)>$/],
  ]
  for (const [name, title] of names) {
    const { status, body } = await upload(name, `Named ${names.length}.`)
    expect(status, name).toBe(202)
    expect(body.title, name).toMatch(title)
    // Ours, and random: nothing of the name is in it.
    expect(body.id).toMatch(/^src_[0-9A-Za-z]+$/)
  }
})

test("D14 a byte too many is refused, and an upload that breaks off leaves nothing", async ({
  deployment,
}) => {
  const count = async () =>
    (await shop.api<{ data: Source[] }>(`/v1/bots/${shop.botId}/sources?limit=200`)).body.data
      .length
  const before = await count()
  const limit = 20 * 1024 * 1024
  expect((await upload("large.txt", Buffer.alloc(limit + 1, "a"))).status).toBe(413)
  const { hostname, port } = new URL(deployment.processUrls[0]!)
  const socket = new Socket()
  await new Promise<void>((resolve) => socket.connect(Number(port), hostname, resolve))
  const part = `--b\r\ncontent-disposition: form-data; name="file"; filename="half.txt"\r\n\r\n`
  socket.write(
    `POST /v1/bots/${shop.botId}/sources HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer ${shop.secretKey}\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 1000000\r\n\r\n${part}${"half ".repeat(10_000)}`,
  )
  await new Promise((resolve) => setTimeout(resolve, 300))
  socket.destroy()
  // The next whole upload is answered by the same process after it has seen the broken one.
  const { body } = await upload("whole.txt", "The whole one.")
  await settle(body.id)
  expect(await count()).toBe(before + 1)
})

test("D15 bytes that another account has already are news: the same answers, the same work, the same time", async ({
  deployment,
}) => {
  const [a, b] = [await openShop(deployment), await openShop(deployment)]
  const times = { known: [] as number[], fresh: [] as number[] }
  for (let i = 0; i < 25; i++) {
    const shared = `Shared text number ${i}. ${"Some more words. ".repeat(50)}`
    const { body: first } = await upload("same.txt", shared, "", a)
    // Alternating order: whatever else the machine does meets both alike.
    const sends = [
      ["known", shared] as const,
      ["fresh", shared.replace(/Shared text/, "Unseen text")] as const,
    ]
    if (i % 2) sends.reverse()
    for (const [kind, text] of sends) {
      const startedAt = performance.now()
      const { status, body } = await upload("same.txt", text, "", b)
      times[kind].push(performance.now() - startedAt)
      const {
        id: _,
        botId: __,
        createdAt: ___,
        updatedAt: ____,
        ...view
      } = body as unknown as Record<string, unknown>
      expect(status).toBe(202)
      expect(view).toMatchObject({
        status: "queued",
        progress: 0,
        chunkCount: 0,
        byteSize: text.length,
      })
      expect(body.id).not.toBe(first.id)
    }
  }
  // How often a known one was slower than a fresh one: a coin's toss if nothing is shared.
  const wins = times.known.flatMap((x) => times.fresh.map((y) => (x > y ? 1 : x === y ? 0.5 : 0)))
  const share = wins.reduce((sum: number, each) => sum + each, 0) / wins.length
  expect(share).toBeGreaterThan(0.2)
  expect(share).toBeLessThan(0.8)
})

test("D18 what a document says of itself is inert: its title and author are nobody's", async () => {
  const hostile = `<img src=x onerror="alert(1)">`
  const pdf = Buffer.from(makePdf([["The dunlin page."]]))
  const withInfo = Buffer.from(
    pdf
      .toString("latin1")
      .replace("trailer <<", `trailer << /Info << /Title (${hostile}) /Author (${hostile}) >>`),
    "latin1",
  )
  const docx = makeWord(wordParagraph("The dunlin letter."), {
    "docProps/core.xml": `<cp:coreProperties xmlns:cp="cp" xmlns:dc="dc"><dc:title>&lt;img src=x onerror="alert(1)"&gt;</dc:title><dc:creator>&lt;script&gt;alert(1)&lt;/script&gt;</dc:creator></cp:coreProperties>`,
  })
  for (const [name, bytes] of [
    ["dunlin-page.pdf", withInfo],
    ["dunlin-letter.docx", docx],
  ] as const) {
    const { body } = await upload(name, bytes)
    const source = await settle(body.id)
    expect(source).toMatchObject({ status: "ready", title: name.replace(/\.\w+$/, "") })
    expect(JSON.stringify([source, await search("dunlin")])).not.toMatch(/onerror|<script/)
  }
})

test("D19 there is no picture service that could be sent anywhere", async ({ deployment }) => {
  for (const target of [
    sinkUrl,
    "http://127.0.0.1",
    "//127.0.0.1",
    "https://93.184.216.34/x.png",
  ]) {
    const path = `/_next/image?url=${encodeURIComponent(target)}&w=64&q=75`
    const answer = await fetch(deployment.appUrl + path, { redirect: "manual" })
    expect([400, 404]).toContain(answer.status)
    expect(await answer.text()).not.toContain("secret of the inner network")
  }
  expect(sinkHits).toBe(0)
})

test("D20, D22, D23, D29 no private, special or own address is taken, as a page or as a website", async ({
  deployment,
}) => {
  const sinkPort = new URL(sinkUrl).port
  const hosts = [
    ...[
      "127.0.0.1",
      "localhost",
      "localhost.",
      "127.1",
      "0",
      "0.0.0.0",
      "2130706433",
      "0x7f000001",
    ],
    ...["0177.0.0.1", "①②⑦.0.0.1", "127。0。0。1", "169.254.169.254", "[fd00:ec2::254]"],
    ...["100.100.100.200", "metadata.google.internal", "10.0.0.1", "172.16.0.1", "192.168.0.1"],
    ...["100.64.0.1", "198.18.0.1", "192.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"],
  ]
  const ports = [22, 25, 5432, 6379, 9200].map((port) => `http://93.184.216.34:${port}/`)
  const own = [deployment.appUrl, deployment.widgetUrl, deployment.appUrl.replace(/:\d+$/, "")]
  const forms = [
    ...hosts.flatMap((host) => [`http://${host}/`, `http://${host}:${sinkPort}/`]),
    ...ports,
    ...own,
  ]
  for (const url of forms)
    for (const path of ["sources", "crawls"]) {
      const answer = await shop.api(`/v1/bots/${shop.botId}/${path}`, { body: { url } })
      expect([url, answer.status, answer.body.code]).toEqual([url, 422, "url_not_allowed"])
    }
  expect(sinkHits).toBe(0)
})

test("a healthy document is read as ever after all of this", async () => {
  const { body } = await upload("healthy.txt", "The wagtail closes the list.")
  await waitForSource(shop.api, body.id)
  expect((await search("wagtail list"))[0]?.text).toContain("The wagtail closes the list.")
})
