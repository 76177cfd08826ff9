import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { openBridge } from "./bridge.ts"

const shop = "https://shop.example.com"

type Listener = (event: unknown) => void
let listeners: Set<Listener>
let posted: [unknown, string][]
let parentWindow: object

function stubFrame(options: { ancestors?: string[]; hash?: string } = {}) {
  listeners = new Set()
  posted = []
  parentWindow = { postMessage: (...args: [unknown, string]) => posted.push(args) }
  vi.stubGlobal("window", {})
  vi.stubGlobal("parent", parentWindow)
  vi.stubGlobal("location", {
    hash: options.hash ?? "",
    ...(options.ancestors && { ancestorOrigins: options.ancestors }),
  })
  vi.stubGlobal("addEventListener", (_: string, listener: Listener) => listeners.add(listener))
  vi.stubGlobal("removeEventListener", (_: string, listener: Listener) =>
    listeners.delete(listener),
  )
}

const ticket = { type: "coatcheck:ticket", ticket: "t", status: 201, page: {} }
const deliver = (event: object) => {
  for (const listener of [...listeners]) listener(event)
}

beforeEach(() => stubFrame({ ancestors: [shop] }))
afterEach(() => vi.unstubAllGlobals())

describe("the greeting", () => {
  test("goes to the parent's origin as the browser names it, and carries nothing", () => {
    openBridge()
    expect(posted).toEqual([[{ type: "coatcheck:ready" }, shop]])
  })

  test("the browser's word outranks the fragment; a preview's console outranks both", () => {
    stubFrame({ ancestors: [shop], hash: "#https://evil.test" })
    openBridge()
    expect(posted[0]![1]).toBe(shop)
    openBridge("https://console.example.com")
    expect(posted[1]![1]).toBe("https://console.example.com")
  })

  test.each(["", "#*", "#null", "#javascript:x"])("with nothing but %j it is not sent", (hash) => {
    stubFrame({ hash })
    openBridge()
    expect(posted).toEqual([])
  })
})

describe("the ticket", () => {
  const { port1 } = new MessageChannel()
  afterAll(() => port1.close())

  test.each([
    ["from another window", { source: {}, origin: shop }],
    ["from another origin", { origin: "https://evil.test" }],
    ["from an origin that only begins the same", { origin: `${shop}.evil.test` }],
    [
      "with an origin in the data",
      { origin: "https://evil.test", data: { ...ticket, origin: shop } },
    ],
    ["of another type", { data: { type: "coatcheck:other" } }],
    ["without data", { data: null }],
    ["that is text", { data: "coatcheck:ticket" }],
    ["without a port", { ports: [] }],
  ])("%s is not heard", async (_, wrong) => {
    const { first } = openBridge()
    deliver({ source: parentWindow, origin: shop, data: ticket, ports: [port1], ...wrong })
    const outcome = await Promise.race([first, Promise.resolve("silence")])
    expect(outcome).toBe("silence")
  })

  test("of the parent is heard once; a second cannot replace it", async () => {
    const { first } = openBridge()
    deliver({ source: parentWindow, origin: shop, data: ticket, ports: [port1] })
    expect(await first).toMatchObject({ ticket: "t" })
    expect(listeners.size).toBe(0)
  })
})

test("several requests for a ticket are one message, and one answer serves them", async () => {
  const { port1, port2 } = new MessageChannel()
  const bridge = openBridge()
  deliver({ source: parentWindow, origin: shop, data: ticket, ports: [port2] })
  const asked: unknown[] = []
  port1.onmessage = ({ data }) => {
    asked.push(data)
    port1.postMessage({ type: "ticket", ticket: "fresh", status: 201, page: {} })
  }
  const answers = await Promise.all([bridge.buyTicket(), bridge.buyTicket()])
  expect(answers.map(({ ticket: bought }) => bought)).toEqual(["fresh", "fresh"])
  expect(asked).toEqual([{ type: "ticket" }])
  port1.close()
})

test("open and closed are heard, also before anyone listens", async () => {
  const { port1, port2 } = new MessageChannel()
  const bridge = openBridge()
  deliver({ source: parentWindow, origin: shop, data: { ...ticket, isOpen: true }, ports: [port2] })
  expect(bridge.isOpen()).toBe(true)
  const heard = new Promise((resolve) => bridge.onVisibility(resolve))
  port1.postMessage({ type: "closed" })
  expect(await heard).toBe(false)
  expect(bridge.isOpen()).toBe(false)
  port1.close()
})
