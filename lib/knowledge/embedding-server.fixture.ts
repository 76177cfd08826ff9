import { createHash } from "node:crypto"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"

const dimensions = 256

/** Words that this server takes for one and the same, as a real model does without being told. */
const meanings = [
  ["return", "refund", "bring", "back"],
  ["canine", "dog", "puppy"],
  ["sofa", "couch"],
]

/** An embedding model over HTTP: one direction a word, the same one for words of one meaning. */
export class EmbeddingServer {
  /** Every text it was asked for, in order. */
  readonly asked: string[] = []
  /** The Authorization header of every call. */
  readonly authorizations: (string | undefined)[] = []
  isDown = false
  /** How it is down: -1 never answers, 0 breaks the line, 200 answers without vectors. */
  downStatus = 503
  /** Calls while it was down. */
  refused = 0
  #server: Server

  constructor() {
    this.#server = createServer(async (request, response) => {
      let body = ""
      for await (const part of request) body += part
      if (this.isDown) {
        this.refused += 1
        if (this.downStatus < 0) return
        if (this.downStatus === 0) {
          response.destroy()
          return
        }
        response.writeHead(this.downStatus, { "content-type": "application/json" })
        response.end('{"error":{"message":"away"},"data":[]}')
        return
      }
      const { input, model } = JSON.parse(body) as { input: string[]; model: string }
      this.asked.push(...input)
      this.authorizations.push(request.headers.authorization)
      response.writeHead(200, { "content-type": "application/json" })
      response.end(
        JSON.stringify({
          object: "list",
          model,
          data: input.map((text, index) => ({
            object: "embedding",
            index,
            embedding: embed(text),
          })),
          usage: { prompt_tokens: input.length * 10, total_tokens: input.length * 10 },
        }),
      )
    })
  }

  /** Its address, as EMBEDDING_BASE_URL takes it. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

const small = new Set(
  "a an and any are can do for i in is it my of on our the to we you your".split(" "),
)

function embed(text: string): number[] {
  const sum: number[] = Array.from({ length: dimensions }, () => 0)
  for (const word of text.toLowerCase().match(/\p{L}+/gu) ?? []) {
    if (small.has(word)) continue
    const meaning = meanings.find((words) => words.includes(word))?.[0] ?? word
    const digest = createHash("sha256").update(meaning).digest()
    for (let i = 0; i < dimensions; i++) sum[i]! += digest[i >> 3]! & (1 << (i & 7)) ? 1 : -1
  }
  return sum.some((value) => value !== 0) ? sum : sum.map(() => 1)
}
