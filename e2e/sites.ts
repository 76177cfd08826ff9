import { createServer } from "node:http"
import { listenOnLoopback } from "./fake-model.ts"

export type Site = {
  /** `http://shop.localhost:PORT`: every browser resolves it to this machine. */
  origin: string
  /** Serves `html` at `path` from now on; returns the page's address. */
  publish(path: string, html: string): string
  stop(): Promise<void>
}

/** Somebody else's website: an origin of its own with the pages a test gives it. */
export async function startSite(name: string): Promise<Site> {
  const pages = new Map<string, string>()
  const server = createServer((request, response) => {
    const html = pages.get(new URL(request.url ?? "/", "http://site").pathname)
    response.writeHead(html === undefined ? 404 : 200, {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
    })
    response.end(html ?? "<!doctype html><title>Not here</title>")
  })
  const port = await listenOnLoopback(server)
  const origin = `http://${name}.localhost:${port}`
  return {
    origin,
    publish(path, html) {
      pages.set(path, html)
      return origin + path
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A page of some shop with the line the console gives out, as its owner would paste it. */
export function shopPage(snippet: string, title = "Corner Shop"): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}</title></head>
<body><main><h1>${title}</h1><p>Lamps, shelves and good advice.</p></main>
${snippet}
</body>
</html>`
}
