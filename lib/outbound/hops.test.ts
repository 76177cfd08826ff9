import { createServer, request as requestHttp, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest"
import { createOutbound, type OutboundRules } from "./outbound.ts"

// Certificates for a name of our own would prove nothing here: TLS is left out, and what is looked at is
// where an answer that came by https may lead.
vi.mock("node:https", () => ({
  request: (url: URL, options: object) =>
    requestHttp(new URL(url.href.replace(/^https:/, "http:")), { ...options }),
}))

const siteAddress = "127.0.0.79"
let site: Server
let sink: Server
let port = 0
let sinkPort = 0
let sinkHits = 0
let status = 302
let location = ""

const listen = (server: Server, address: string) =>
  new Promise<number>((resolve) =>
    server.listen(0, address, () => resolve((server.address() as AddressInfo).port)),
  )

beforeAll(async () => {
  site = createServer((request, response) => {
    if (request.url !== "/") response.end("arrived")
    else response.writeHead(status, { location }).end()
  })
  sink = createServer((_, response) => {
    sinkHits += 1
    response.end("secret")
  })
  port = await listen(site, siteAddress)
  sinkPort = await listen(sink, "127.0.0.3")
})
beforeEach(() => {
  sinkHits = 0
})
afterAll(() => {
  for (const server of [site, sink]) {
    server.closeAllConnections()
    server.close()
  }
})

const rules: Partial<OutboundRules> = {
  resolve: async () => [siteAddress],
  isAllowedAddress: (address) => address === siteAddress,
  isAllowedPort: () => true,
}
const follow = (scheme: string) =>
  createOutbound(rules).fetch(`${scheme}://shop.example.com:${port}/`, { allowsHttp: true })

test.each([301, 302, 303, 307, 308])(
  "D26 a %i to a private address is not followed, one on the site is",
  async (each) => {
    status = each
    location = `http://127.0.0.3:${sinkPort}/`
    await expect(follow("http")).rejects.toMatchObject({ code: "url_not_allowed" })
    expect(sinkHits).toBe(0)
    location = "/next"
    expect(Buffer.from((await follow("http")).body).toString()).toBe("arrived")
  },
)

test("D26 from https no redirect leads back to plain http; from http it may lead to https", async () => {
  status = 302
  location = `http://shop.example.com:${port}/next`
  await expect(follow("https")).rejects.toMatchObject({ code: "url_not_allowed" })
  expect((await follow("http")).status).toBe(200)
  location = `https://shop.example.com:${port}/next`
  expect((await follow("https")).status).toBe(200)
  expect((await follow("http")).status).toBe(200)
})
