import { spawn } from "node:child_process"
import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { rounds as chooseRounds } from "./attack/rounds.ts"
import {
  newAddress,
  openSession,
  openShop,
  readParts,
  returnsQuestion,
  type Shop,
  sendMessage,
  wideLimits,
} from "./counter.ts"
import { type Deployment, findFreePorts, type Program, waitUntilHealthy } from "./deployment.ts"
import { type FakeModel, scripts, startFakeModel } from "./fake-model.ts"
import { expect, test } from "./fixtures.ts"

// `npm start` on a folder of its own, killed with its whole process group in the middle of answers, again and
// again. What a visitor was told was received has to be there afterwards, and asking again has to work at once.

const rounds = Number(process.env.CRASH_ROUNDS) || chooseRounds(3, 300)
const visitors = 6
const root = join(import.meta.dirname, "..")

type Server = Program & { killGroup(): Promise<void> }

function startServer(dataDir: string, port: number, model: FakeModel): Server {
  const output: string[] = []
  // Detached: the leader of a process group of its own, as a service manager would start it.
  const child = spawn(process.execPath, [join(root, "runtime", "start.ts")], {
    cwd: root,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH ?? "",
      NODE_ENV: "production",
      DATA_DIR: dataDir,
      PORT: String(port),
      HOST: "127.0.0.1",
      LOG_LEVEL: "error",
      MASTER_API_KEY: "master-key-of-the-crashing-deployment",
      TRUSTED_PROXY_COUNT: "1",
      MODEL_PROVIDER: "openai-compatible",
      MODEL_BASE_URL: model.url,
      MODEL_NAME: "scripted-1",
      MODEL_PRICE: "input=15,output=60",
      // The test reads every thread back after every restart.
      DEFAULT_RATE_LIMIT: "100000",
    },
  })
  child.stdout.on("data", (chunk) => output.push(String(chunk)))
  child.stderr.on("data", (chunk) => output.push(String(chunk)))
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve))
  return {
    process: child,
    log: () => output.join(""),
    exited,
    async stop() {
      child.kill("SIGTERM")
      await exited
    },
    async killGroup() {
      process.kill(-child.pid!, "SIGKILL")
      await exited
    },
  }
}

type Acknowledged = {
  shop: Shop
  conversationId: string
  messageId: string
  text: string
  token: string
  clientMessageId: string
}

test(`C01, L07 kill -9 of the whole process group in mid-stream, ${rounds} times, loses no acknowledged message, and a retry right after the restart is answered once`, async () => {
  test.setTimeout(60_000 + rounds * 20_000)
  const dataDir = mkdtempSync(join(tmpdir(), "coatcheck-crash-"))
  chmodSync(dataDir, 0o711)
  const model = await startFakeModel()
  const [port] = await findFreePorts(1)
  const url = `http://127.0.0.1:${port}`
  const deployment = {
    processUrls: [url],
    masterKey: "master-key-of-the-crashing-deployment",
  } as unknown as Deployment
  let server = startServer(dataDir, port!, model)
  try {
    await waitUntilHealthy(url, server)
    const acknowledged: Acknowledged[] = []
    for (let round = 0; round < rounds; round++) {
      const shop = await openShop(deployment, { limits: wideLimits })
      const fresh = await streamUntilKilled(deployment, shop, { server, round })
      acknowledged.push(...fresh)
      expect(fresh.length).toBeGreaterThan(0)
      server = startServer(dataDir, port!, model)
      await waitUntilHealthy(url, server)
      await expectStored(fresh)
      await expectAnsweredOnce(deployment, shop, fresh)
    }
    await expectStored(acknowledged)
  } finally {
    await server.stop()
    await model.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
})

/** Lets several visitors ask, and kills everything at a moment that wanders from round to round. */
async function streamUntilKilled(
  deployment: Deployment,
  shop: Shop,
  { server, round }: { server: Server; round: number },
): Promise<Acknowledged[]> {
  const acknowledged: Acknowledged[] = []
  let announce = () => {}
  const enough = new Promise<void>((resolve) => {
    announce = resolve
  })
  // From "the first was just acknowledged" to "all are in the middle of their answers".
  const killAfter = 1 + (round % visitors)
  const asking = Array.from({ length: visitors }, async (_, i) => {
    const { token } = await openSession(deployment, shop)
    const text = `${returnsQuestion} ${scripts.brisk} round ${round} visitor ${i} ${newAddress()}`
    const clientMessageId = `m-${round}`
    const response = await sendMessage(deployment, token, text, { clientMessageId })
    for await (const part of readParts(response)) {
      if (part.type !== "data-conversation") continue
      const { id, messageId } = part.data as { id: string; messageId: string }
      acknowledged.push({ shop, conversationId: id, messageId, text, token, clientMessageId })
      if (acknowledged.length >= killAfter) announce()
    }
  })
  const settled = Promise.allSettled(asking)
  await Promise.race([enough, settled])
  await server.killGroup()
  await settled
  return acknowledged
}

type Thread = { messages: { id: string; role: string; text: string; status: string }[] }

async function expectStored(acknowledged: Acknowledged[]): Promise<void> {
  for (const { shop, conversationId, messageId, text } of acknowledged) {
    const read = () => shop.api<Thread>(`/v1/conversations/${conversationId}`)
    const { status, body } = await read()
    expect(status).toBe(200)
    expect(body.messages[0]).toMatchObject({ id: messageId, role: "user", text })
    // What a dead process was writing is closed by the new one, right after it has come up.
    const listOpen = async () =>
      (await read()).body.messages
        .slice(1)
        .filter((each) => !/^assistant (interrupted|complete)$/.test(`${each.role} ${each.status}`))
    await expect.poll(listOpen, { timeout: 15_000 }).toEqual([])
  }
}

/** The visitors' own retry, as soon as the server is back: at once, one message, one answer, one charge. */
async function expectAnsweredOnce(
  deployment: Deployment,
  shop: Shop,
  fresh: Acknowledged[],
): Promise<void> {
  await Promise.all(
    fresh.map(async ({ token, text, clientMessageId }) => {
      const response = await sendMessage(deployment, token, text, { clientMessageId })
      expect([response.status, await response.text()]).toEqual([
        200,
        expect.stringContaining('"type":"finish"'),
      ])
    }),
  )
  for (const { conversationId } of fresh) {
    const { body } = await shop.api<Thread>(`/v1/conversations/${conversationId}`)
    expect(body.messages.map(({ role, status }) => `${role} ${status}`)).toEqual([
      "user complete",
      "assistant complete",
    ])
  }
  const { body } = await shop.api<{ days: { messages: number }[] }>("/v1/usage")
  expect(body.days.reduce((sum, day) => sum + day.messages, 0)).toBe(fresh.length)
}
