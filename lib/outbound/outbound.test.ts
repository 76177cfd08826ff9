import { readdirSync, readFileSync } from "node:fs"
import { createServer, type RequestListener, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { brotliCompressSync, gzipSync } from "node:zlib"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { fetchOutbound, vetOutbound } from "./fetch.ts"
import { createOutbound, type Outbound, strictRules } from "./outbound.ts"

// A site on 127.0.0.77 stands for the public internet; a sink on 127.0.0.2 stands for what must never be
// reached. Names are resolved by a table of the test's own.

const siteAddress = "127.0.0.77"

let site: Server
let sink: Server
let sinkHits = 0
let reply: RequestListener
let port: number
let sinkPort: number
const seen: { url: string; headers: Record<string, unknown>; method: string; body: string }[] = []

const listen = (server: Server, address: string) =>
  new Promise<number>((resolve) =>
    server.listen(0, address, () => resolve((server.address() as AddressInfo).port)),
  )

beforeAll(async () => {
  site = createServer((request, response) => {
    let body = ""
    request.on("data", (part) => {
      body += part
    })
    request.on("end", () => {
      const { url = "", headers, method = "" } = request
      seen.push({ url, headers, method, body })
      reply(request, response)
    })
  })
  sink = createServer((_, response) => {
    sinkHits += 1
    response.end("secret of the inner network")
  })
  port = await listen(site, siteAddress)
  sinkPort = await listen(sink, "127.0.0.2")
})
afterAll(() => {
  for (const server of [site, sink]) {
    server.closeAllConnections()
    server.close()
  }
})
beforeEach(() => {
  seen.length = 0
  sinkHits = 0
  reply = (_, response) => response.end("hello")
})

const names: Record<string, string[]> = {
  "shop.example.com": [siteAddress],
  "other.example.com": [siteAddress],
  "inner.example.com": ["127.0.0.2"],
  "both.example.com": [siteAddress, "127.0.0.2"],
  "six.example.com": [siteAddress, "::1"],
}

/** The rules with two holes, the site and any port: everything else is as strict as ever. */
const loosened = (resolve = async (host: string) => names[host] ?? []): Outbound =>
  createOutbound({
    resolve,
    isAllowedAddress: (address) => address === siteAddress,
    isAllowedPort: () => true,
  })

const at = (host: string, path = "/") => `http://${host}:${port}${path}`
const get = (url: string, options: Parameters<Outbound["fetch"]>[1] = {}) =>
  loosened().fetch(url, { allowsHttp: true, ...options })
const code = (expected: string) => expect.objectContaining({ code: expected })

/** D20–D29 and their relatives; `P` is the sink's port. */
const forbidden = [
  ...["http://127.0.0.2:P/", "https://127.0.0.2:P/", "http://127.0.0.2/", "http://127.0.0.1/"],
  ...["http://localhost/", "http://localhost./", "http://LOCALHOST/", "http://a.localhost/"],
  ...["http://127.1/", "http://127.0.1/", "http://0/", "http://0.0.0.0/", "http://2130706433/"],
  ...["http://2130706434/", "http://0x7f000001/", "http://0x7f.0.0.2/", "http://0177.0.0.1/"],
  ...[
    "http://017700000002/",
    "http://①②⑦.0.0.2/",
    "http://127。0。0。2/",
    "http://127%2e0%2e0%2e2/",
  ],
  ...["http://127.0.0.2./", "http://127.0.0.2../", "http://0x7f.1../", "http://１２７.0.0.2/"],
  ...["http://%31%32%37.0.0.2/", "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.2]/"],
  ...["http://[::ffff:7f00:2]/", "http://[::127.0.0.2]/", "http://[0:0:0:0:0:0:0:1]/"],
  ...["http://[64:ff9b::7f00:2]/", "http://[64:ff9b::127.0.0.2]/", "http://[2002:7f00:2::]/"],
  ...["http://[fe80::1]/", "http://[fd00:ec2::254]/", "http://[fc00::1]/", "http://[ff02::1]/"],
  ...["http://[2001:db8::1]/", "http://[fec0::1]/", "http://[2001:0:7f00:2::]/"],
  ...["http://169.254.169.254/latest/meta-data/", "http://100.100.100.200/", "http://192.0.0.192/"],
  ...["http://metadata.google.internal/", "http://instance-data.internal./", "http://0xa9fea9fe/"],
  ...["http://10.0.0.1/", "http://172.16.0.1/", "http://172.31.255.255/", "http://192.168.1.1/"],
  ...["http://100.64.0.1/", "http://198.18.0.1/", "http://198.19.255.255/", "http://192.0.0.8/"],
  ...["http://192.0.2.1/", "http://198.51.100.1/", "http://203.0.113.1/", "http://0.1.2.3/"],
  ...["http://224.0.0.1/", "http://239.1.1.1/", "http://240.0.0.1/", "http://255.255.255.255/"],
  ...["http://93.184.216.34:22/", "http://93.184.216.34:25/", "http://93.184.216.34:5432/"],
  ...["http://93.184.216.34:6379/", "http://93.184.216.34:9200/", "http://93.184.216.34:3000/"],
  ...["https://93.184.216.34:8443/", "https://93.184.216.34:0/", "http://93.184.216.34:65535/"],
  ...["ftp://93.184.216.34/", "file:///etc/passwd", "gopher://93.184.216.34/", "data:text/plain,x"],
  ...["ws://93.184.216.34/", "javascript:alert(1)", "blob:http://93.184.216.34/x", "about:blank"],
  ...["http://user@93.184.216.34/", "http://user:pw@93.184.216.34/", "http://:pw@93.184.216.34/"],
  ...["https://93.184.216.34@127.0.0.2:P/", "https://example.com#@127.0.0.2:P/", "//127.0.0.2:P/"],
  ...["http:\\\\127.0.0.2:P\\", "http:127.0.0.2:P", "http:/127.0.0.2:P", "\thttp://127.0.0.2:P/"],
  ...["http://127.0.0.\n2:P/", "http://printer/", "http://printer.local/", "http://nas.lan/"],
  ...["http://router.home.arpa/", "http://x.onion/", "http://a.test/", "http://corp/", ""],
  ...["http://inner.example.com/", "http://both.example.com/", "http://six.example.com/"],
  ...["http://app.own.example.com/", "https://APP.own.example.com./", "not a url", "/relative"],
]

describe(`H01 D20, D22, D23, D29 each of ${forbidden.length} forms is refused, and nothing is reached`, () => {
  const strict = createOutbound({
    resolve: async (host) => names[host] ?? ["127.0.0.2"],
    ownHosts: ["app.own.example.com"],
  })

  test("there are at least eighty", () => expect(forbidden.length).toBeGreaterThanOrEqual(80))

  test.each(forbidden)("%j", async (form) => {
    const url = form.replaceAll(":P", `:${sinkPort}`)
    for (const allowsHttp of [true, false]) {
      await expect(strict.fetch(url, { allowsHttp })).rejects.toEqual(code("url_not_allowed"))
      await expect(strict.vet(url, { allowsHttp })).rejects.toEqual(code("url_not_allowed"))
    }
    expect(sinkHits).toBe(0)
    expect(seen).toEqual([])
  })

  test("as the target of a redirect as well", async () => {
    let location = ""
    reply = (_, response) => response.writeHead(302, { location }).end()
    // Relative forms stay on the site; a header holds no line breaks and no letters beyond Latin.
    for (const form of forbidden.filter((each) => /^[a-z]+:\/\/[^\n]*$/.test(each))) {
      location = form
        .replaceAll(":P", `:${sinkPort}`)
        .replace(/[^\x20-\x7e]/g, (letter) => encodeURIComponent(letter))
      const outbound = createOutbound({
        ...strictRules,
        resolve: async (host) => names[host] ?? ["127.0.0.2"],
        ownHosts: ["app.own.example.com"],
        isAllowedAddress: (address) => address === siteAddress,
        isAllowedPort: (each) => each === port || strictRules.isAllowedPort(each),
      })
      const result = outbound.fetch(at("shop.example.com"), { allowsHttp: true })
      await expect(result, location).rejects.toEqual(code("url_not_allowed"))
    }
    expect(sinkHits).toBe(0)
  })
})

test("ourselves and names of somebody's own network are refused whatever they resolve to", async () => {
  const outbound = createOutbound({
    resolve: async () => [siteAddress],
    isAllowedAddress: (address) => address === siteAddress,
    isAllowedPort: () => true,
    ownHosts: ["app.own.example.com"],
  })
  const reach = (host: string) => outbound.fetch(at(host), { allowsHttp: true })
  await reach("shop.own.example.com")
  expect(seen).toHaveLength(1)
  const own = ["app.own.example.com", "APP.own.example.com", "app.own.example.com."]
  const inner = ["printer", "a.localhost", "nas.local", "metadata.google.internal", "r.home.arpa"]
  for (const host of [...own, ...inner, "x.lan", "x.onion", "x.test", "x.invalid"])
    await expect(reach(host), host).rejects.toEqual(code("url_not_allowed"))
  expect(seen).toHaveLength(1)
})

test("production's own rules are the strict ones: loopback is refused with everything set to allow it", async () => {
  for (const host of ["127.0.0.1", "localhost", "[::1]"]) {
    const url = `http://${host}:${port}/`
    await expect(fetchOutbound(url, { allowsHttp: true })).rejects.toEqual(code("url_not_allowed"))
    await expect(vetOutbound(url, { allowsHttp: true })).rejects.toEqual(code("url_not_allowed"))
  }
  expect(seen).toEqual([])
})

test("D37 there is no flag that a production build could start with: no switch loosens the rules, production's worker and web bring no way out of their own", () => {
  const files = ["address", "fetch", "headers", "outbound", "url"].map((name) => `${name}.ts`)
  const found = readdirSync(import.meta.dirname).filter((name) => !name.includes(".test."))
  expect(found.sort()).toEqual(files)
  const text = files.map((name) => readFileSync(join(import.meta.dirname, name), "utf8")).join("\n")
  expect([...text.matchAll(/\benv\.([A-Z_]+)/g)].map(([, name]) => name)).toEqual([
    "APP_URL",
    "WIDGET_URL",
  ])
  expect(text).not.toMatch(/process\s*\.\s*env|NODE_ENV|isProduction|globalThis/)
  expect(readFileSync(join(import.meta.dirname, "fetch.ts"), "utf8")).toContain("createOutbound()")
  // What production starts: neither names a way out, and the import rules keep createOutbound from them.
  const root = join(import.meta.dirname, "..", "..")
  const entries = ["start.ts", "web.ts", "worker.ts", "supervisor.ts"]
  const started = entries
    .map((name) => readFileSync(join(root, "runtime", name), "utf8"))
    .join("\n")
  expect(started).toContain("runWorker()")
  expect(started).not.toMatch(/createOutbound|outbound|site-worker|fetch:/)
})

describe("a name", () => {
  test("H02 D25 that is first public and then private is resolved once and pinned", async () => {
    let asked = 0
    const rebinding = loosened(async () => {
      asked += 1
      return asked === 1 ? [siteAddress] : ["127.0.0.2"]
    })
    const { body } = await rebinding.fetch(at("shop.example.com"), { allowsHttp: true })
    expect(Buffer.from(body).toString()).toBe("hello")
    expect(asked).toBe(1)
    // The next request resolves anew, and is judged anew.
    const again = rebinding.fetch(at("shop.example.com"), { allowsHttp: true })
    await expect(again).rejects.toEqual(code("url_not_allowed"))
    expect(sinkHits).toBe(0)
  })

  test("that turns private between two redirects is refused at the second", async () => {
    let asked = 0
    reply = (_, response) => response.writeHead(302, { location: "/next" }).end()
    const rebinding = loosened(async () => {
      asked += 1
      return asked === 1 ? [siteAddress] : ["127.0.0.2"]
    })
    const result = rebinding.fetch(at("shop.example.com"), { allowsHttp: true })
    await expect(result).rejects.toEqual(code("url_not_allowed"))
    expect(seen).toHaveLength(1)
    expect(sinkHits).toBe(0)
  })

  test("stays in Host while the socket goes to the vetted address", async () => {
    await get(at("shop.example.com", "/page?x=1#part"))
    expect(seen).toMatchObject([
      { url: "/page?x=1", headers: { host: `shop.example.com:${port}`, connection: "close" } },
    ])
  })

  test("without an address is unreachable, and so is a closed port", async () => {
    await expect(get(at("nothing.example.com"))).rejects.toEqual(code("remote_unreachable"))
    await loosened().vet(at("nothing.example.com"), { allowsHttp: true })
    const closed = "http://shop.example.com:1/"
    await expect(get(closed)).rejects.toEqual(code("remote_unreachable"))
  })

  test("whose resolver hangs ends with the clock", async () => {
    const hanging = loosened(() => new Promise(() => {}))
    const result = hanging.fetch(at("shop.example.com"), { allowsHttp: true, timeoutMs: 60 })
    await expect(result).rejects.toEqual(code("remote_timeout"))
  })
})

describe("redirects", () => {
  test("D26 are followed five times, not six, and a loop ends there", async () => {
    reply = (request, response) => {
      const left = Number(request.url?.slice(1))
      if (left > 0) response.writeHead(307, { location: `/${left - 1}` }).end()
      else response.end("arrived")
    }
    const { url } = await get(at("shop.example.com", "/5"))
    expect(url).toBe(at("shop.example.com", "/0"))
    await expect(get(at("shop.example.com", "/6"))).rejects.toEqual(code("redirect_limit"))
    reply = (_, response) => response.writeHead(301, { location: "/" }).end()
    await expect(get(at("shop.example.com"))).rejects.toEqual(code("redirect_limit"))
  })

  test("H02 of a POST are never followed", async () => {
    reply = (_, response) => response.writeHead(307, { location: "/next" }).end()
    const result = get(at("shop.example.com"), { method: "POST", body: "{}" })
    await expect(result).rejects.toEqual(code("redirect_limit"))
    expect(seen).toHaveLength(1)
  })

  test("to another origin carry no header of the first", async () => {
    reply = (request, response) => {
      const location = at("other.example.com", "/b")
      response.setHeader("set-cookie", "a=b")
      response.writeHead(request.url === "/" ? 302 : 200, { location }).end()
    }
    const headers = { authorization: "Bearer tenant", "x-key": "1" }
    const { headers: answered } = await get(at("shop.example.com"), { headers })
    expect(seen[0]!.headers).toMatchObject(headers)
    expect(Object.keys(seen[1]!.headers).sort()).toEqual([
      "accept-encoding",
      "connection",
      "host",
      "user-agent",
    ])
    expect(answered.has("set-cookie")).toBe(false)
  })

  test("cannot lead from https to http", async () => {
    const { vetUrl } = await import("./url.ts")
    const rules = { ...strictRules, allowsHttp: false }
    expect(() => vetUrl("http://example.com/", rules)).toThrow()
    expect(vetUrl("https://example.com./a#b", rules).url.href).toBe("https://example.com/a")
  })

  test("in the page itself are not followed: it is text", async () => {
    reply = (_, response) =>
      response
        .writeHead(200, { refresh: `0; url=http://127.0.0.2:${sinkPort}/` })
        .end(`<meta http-equiv="refresh" content="0; url=http://127.0.0.2:${sinkPort}/">`)
    expect((await get(at("shop.example.com"))).status).toBe(200)
    expect(sinkHits).toBe(0)
  })
})

describe("what is sent", () => {
  test("is the method, the body and allowed headers, and nothing of ours", async () => {
    const headers = { "content-type": "application/json", "x-key": "tenant's own" }
    await get(at("shop.example.com"), { method: "POST", body: '{"a":"ü"}', headers })
    expect(seen).toMatchObject([{ method: "POST", body: '{"a":"ü"}', headers }])
    expect(seen[0]!.headers["user-agent"]).toMatch(/^Coatcheck\//)
    for (const name of ["cookie", "referer", "origin", "authorization", "x-forwarded-for"])
      expect(seen[0]!.headers).not.toHaveProperty(name)
  })

  test.each([
    { host: "inner.example.com" },
    { Cookie: "a=b" },
    { "user-agent": "Mozilla/5.0" },
    { "X-Forwarded-For": "127.0.0.1" },
    { "transfer-encoding": "chunked" },
    { "content-length": "0" },
    { "x-a": "b\r\nx-injected: c" },
    { "x-a\r\nx-injected": "c" },
    { "x a": "b" },
  ] as unknown as Record<string, string>[])("refuses the header %j", async (headers) => {
    const result = get(at("shop.example.com"), { headers })
    await expect(result).rejects.toEqual(code("invalid"))
    expect(seen).toEqual([])
  })
})

describe("what comes back", () => {
  const kilobytes = 1024
  const sends =
    (bytes: Uint8Array, encoding?: string): RequestListener =>
    (_, response) => {
      response.writeHead(200, encoding ? { "content-encoding": encoding } : {})
      response.end(bytes)
    }

  test("is decoded", async () => {
    const text = Buffer.from("Grüße ".repeat(1000))
    for (const [bytes, encoding] of [
      [text, undefined],
      [gzipSync(text), "gzip"],
      [brotliCompressSync(text), "br"],
    ] as const) {
      reply = sends(bytes, encoding)
      const { body, isCut } = await get(at("shop.example.com"))
      expect(Buffer.from(body).equals(text)).toBe(true)
      expect(isCut).toBe(false)
    }
  })

  test("is counted after inflating: a bomb is refused, or cut, while it is small", async () => {
    const megabytes = 1024 * kilobytes
    const bomb = gzipSync(Buffer.alloc(64 * megabytes))
    expect(bomb.byteLength).toBeLessThan(100 * kilobytes)
    for (const [bytes, encoding] of [
      [bomb, "gzip"],
      [brotliCompressSync(Buffer.alloc(16 * megabytes)), "br"],
      [Buffer.alloc(300 * kilobytes), undefined],
    ] as const) {
      reply = sends(bytes, encoding)
      const limit = { maxBytes: 100 * kilobytes }
      const before = process.memoryUsage.rss()
      await expect(get(at("shop.example.com"), limit)).rejects.toEqual(code("remote_too_large"))
      const cut = await get(at("shop.example.com"), { ...limit, cutsAtLimit: true })
      expect(cut).toMatchObject({ isCut: true, body: { byteLength: limit.maxBytes } })
      expect(process.memoryUsage.rss() - before).toBeLessThan(48 * megabytes)
    }
  })

  test("of exactly the limit passes", async () => {
    reply = sends(Buffer.alloc(1000, "x"))
    expect((await get(at("shop.example.com"), { maxBytes: 1000 })).isCut).toBe(false)
    const less = get(at("shop.example.com"), { maxBytes: 999 })
    await expect(less).rejects.toEqual(code("remote_too_large"))
  })

  test("drop by drop ends with the clock, also before the first byte", async () => {
    reply = (_, response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write("x"), 5)
      response.on("close", () => clearInterval(timer))
    }
    const limit = { timeoutMs: 150 }
    await expect(get(at("shop.example.com"), limit)).rejects.toEqual(code("remote_timeout"))
    reply = () => {}
    await expect(get(at("shop.example.com"), limit)).rejects.toEqual(code("remote_timeout"))
  })

  test("broken off, wrongly encoded or not HTTP is unreachable, never a crash", async () => {
    reply = (_, response) => {
      response.writeHead(200, { "content-length": "100" })
      response.write("half", () => response.destroy())
    }
    await expect(get(at("shop.example.com"))).rejects.toEqual(code("remote_unreachable"))
    for (const encoding of ["gzip", "br", "deflate", "zstd", "gzip, gzip"]) {
      reply = sends(Buffer.from("this is not compressed"), encoding)
      await expect(get(at("shop.example.com"))).rejects.toEqual(code("remote_unreachable"))
    }
    reply = (request) => request.socket.end("SSH-2.0-OpenSSH_9.2\r\n")
    await expect(get(at("shop.example.com"))).rejects.toEqual(code("remote_unreachable"))
    reply = (request) =>
      request.socket.end("HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n")
    await expect(get(at("shop.example.com"))).rejects.toEqual(code("remote_unreachable"))
  })

  test("is awaited no longer than the caller wants it", async () => {
    reply = () => {}
    const controller = new AbortController()
    const result = get(at("shop.example.com"), { signal: controller.signal })
    setTimeout(() => controller.abort(), 30)
    await expect(result).rejects.toMatchObject({ name: "AbortError" })
  })
})

test("what is refused says nothing about what stands behind a name", async () => {
  const error = await get("http://inner.example.com/").catch((cause) => cause)
  expect(error.detail + error.title).not.toMatch(/127|private|resolve/)
})
