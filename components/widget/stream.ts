import type { StreamPart } from "./contract.ts"

/** The server repeats itself at least this often; longer silence means the line is dead. */
const silenceMs = 60_000

/**
 * Reads a UI-message stream part by part. Ends at `[DONE]` or with the body; what is not JSON is
 * skipped. Throws when the connection breaks or stays silent; returning early cancels the body.
 */
export async function* readParts(
  body: ReadableStream<Uint8Array>,
  silence = silenceMs,
): AsyncGenerator<StreamPart> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  const split = splitEvents()
  try {
    while (true) {
      const { done, value } = await withTimeout(reader.read(), silence)
      const text = done ? `${decoder.decode()}\n\n` : decoder.decode(value, { stream: true })
      for (const data of split(text)) {
        if (data === "[DONE]") return
        const part = parsePart(data)
        if (part) yield part
      }
      if (done) return
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}

/**
 * Server-sent events in pieces of any size: feed text, get the `data` of every event that is
 * complete. Comments and other fields are dropped; CRLF, LF and CR end a line.
 */
function splitEvents(): (text: string) => string[] {
  let rest = ""
  let data: string[] = []
  return (text) => {
    const found: string[] = []
    rest += text
    // A CR at the very end may be half of a CRLF: wait for what follows.
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop()!
    for (const line of lines) {
      if (line === "") {
        if (data.length) found.push(data.join("\n"))
        data = []
      } else if (line.startsWith("data:")) {
        data.push(line.slice(line[5] === " " ? 6 : 5))
      }
    }
    return found
  }
}

function parsePart(data: string): StreamPart | null {
  try {
    const part = JSON.parse(data)
    return typeof part?.type === "string" ? part : null
  } catch {
    return null
  }
}

function withTimeout<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout>
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("The stream fell silent.")), ms)
  })
  return Promise.race([promise, silence]).finally(() => clearTimeout(timer))
}
