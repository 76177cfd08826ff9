/** A question with its answer, as an import file names them. */
export type Pair = { question: string; answer: string }

const questionNames = ["question", "q", "prompt", "frage"]
const answerNames = ["answer", "a", "response", "reply", "antwort"]
const maxQuestionChars = 500

/**
 * Reads questions and answers from JSON or JSON Lines: a list of `{question, answer}` (or `q`/`a`, or
 * `prompt`/`response`), such a list under one name, or an object of question → answer. Null when there
 * are none; entries without both are left out.
 */
export function readPairs(text: string): Pair[] | null {
  const value = parseJson(text)
  const pairs = value === undefined ? readLines(text) : findPairs(value)
  return pairs.length > 0 ? pairs : null
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function readLines(text: string): Pair[] {
  return text.split("\n").flatMap((line) => {
    const pair = line.trim() ? toPair(parseJson(line)) : null
    return pair ? [pair] : []
  })
}

function findPairs(value: unknown): Pair[] {
  if (Array.isArray(value)) {
    return value.flatMap((entry) => {
      const pair = toPair(entry)
      return pair ? [pair] : []
    })
  }
  const single = toPair(value)
  if (single) return [single]
  if (typeof value !== "object" || value === null) return []
  const lists = Object.values(value).filter(Array.isArray)
  if (lists.length > 0) return lists.flatMap(findPairs)
  return Object.entries(value).flatMap(([question, answer]) =>
    typeof answer === "string" && answer.trim() ? [clean(question, answer)] : [],
  )
}

function toPair(value: unknown): Pair | null {
  if (typeof value !== "object" || value === null) return null
  const fields = new Map(Object.entries(value).map(([name, field]) => [name.toLowerCase(), field]))
  const find = (names: string[]) => names.map((name) => fields.get(name)).find(isText)
  const question = find(questionNames)
  const answer = find(answerNames)
  return question && answer ? clean(question, answer) : null
}

const isText = (value: unknown): value is string => typeof value === "string" && !!value.trim()

function clean(question: string, answer: string): Pair {
  return { question: question.trim().slice(0, maxQuestionChars), answer: answer.trim() }
}
