import { createServer, type IncomingMessage, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { createOutbound, type Outbound } from "#lib/outbound/outbound.ts"

export type Answer = {
  status?: number
  headers?: Record<string, string>
  body?: string | Buffer
}

export type Site = {
  /** Its address, as a crawl is told it. */
  url: (path?: string) => string
  /** By path with query; a missing one is 404. Change it between two runs. */
  pages: Map<string, Answer | ((request: IncomingMessage) => Answer)>
  /** What was asked for, in order. */
  hits: string[]
  requests: IncomingMessage[]
  outbound: Outbound
  close: () => void
}

const siteAddress = "127.0.0.78"

/**
 * A website on loopback, and a way out that knows its name. The rules have two holes, its address and its
 * port; everything else is as strict as in production, where no setting opens them.
 */
export async function serveSite(
  hosts = ["shop.example.com", "www.shop.example.com"],
): Promise<Site> {
  const pages: Site["pages"] = new Map()
  const hits: string[] = []
  const requests: IncomingMessage[] = []
  const server: Server = createServer((request, response) => {
    const path = request.url ?? ""
    hits.push(path)
    requests.push(request)
    const entry = pages.get(path)
    const answer = typeof entry === "function" ? entry(request) : entry
    const { status = answer ? 200 : 404, headers = {}, body = "" } = answer ?? {}
    response.writeHead(status, { "content-type": "text/html; charset=utf-8", ...headers })
    response.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, siteAddress, resolve))
  const { port } = server.address() as AddressInfo
  const outbound = createOutbound({
    resolve: async (host) => (hosts.includes(host) ? [siteAddress] : []),
    isAllowedAddress: (address) => address === siteAddress,
    isAllowedPort: (given) => given === port,
  })
  return {
    url: (path = "/") => `http://${hosts[0]}:${port}${path}`,
    pages,
    hits,
    requests,
    outbound,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** A page with text of its own and links. */
export const htmlPage = (title: string, text: string, links: string[] = [], head = ""): Answer => ({
  body: `<!doctype html><html><head><title>${title}</title>${head}</head><body><nav>${links
    .map((href) => `<a href="${href}">${href}</a>`)
    .join(" ")}</nav><main><h1>${title}</h1><p>${text}</p></main></body></html>`,
})
