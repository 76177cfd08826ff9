import { runSql } from "../attack/counter-attacks.ts"
import {
  ask,
  buyTicket,
  call,
  openSession,
  openShop,
  type Part,
  returnsQuestion as question,
  readParts,
  type Session,
  type Shop,
  sendMessage,
} from "../counter.ts"
import { type Deployment, startDeployment } from "../deployment.ts"
import { scripts } from "../fake-model.ts"
import { expect, test } from "../fixtures.ts"

/** A database that is still there and says nothing: nothing fails by itself, so something has to give up. */
async function expectSilenceIsNoYes(deployment: Deployment, shop: Shop, session: Session) {
  const streaming = await openSession(deployment, shop)
  const marker = `${scripts.slow} silent`
  const response = await sendMessage(deployment, streaming.token, `${question} ${marker}`)
  const parts: Part[] = []
  const reading = (async () => {
    for await (const part of readParts(response)) parts.push(part)
  })()
  await deployment.model.waitForCall(marker, ({ tokensSent }) => tokensSent > 3)
  const connections = await runSql<{ pid: number }>(
    deployment,
    "select pid from pg_stat_activity where application_name like 'coatcheck%'",
  )
  const pids = [await deployment.database.readPid(), ...connections.map(({ pid }) => pid)]
  for (const pid of pids) process.kill(pid, "SIGSTOP")
  const silentSince = performance.now()
  try {
    await deployment.model.waitForCall(marker, ({ outcome }) => outcome === "aborted")
    expect(performance.now() - silentSince).toBeLessThan(2_500)
    const refused = await Promise.all(
      Array.from({ length: 4 }, () => sendMessage(deployment, session.token, question)),
    )
    for (const { status } of refused) expect(status).toBe(503)
    expect(performance.now() - silentSince).toBeLessThan(10_000)
  } finally {
    for (const pid of pids.reverse()) process.kill(pid, "SIGCONT")
  }
  await reading
  expect(parts.map((part) => part.type)).not.toContain("finish")
  await expect
    .poll(async () => (await call(deployment, "/ready")).status, { timeout: 5_000 })
    .toBe(200)
  expect((await ask(deployment, session.token, question)).types.at(-1)).toBe("finish")
}

// A deployment of its own: its database is killed under it.

test("T28 without its database the server refuses with 503, ends open answers, and is back once the database is", async () => {
  const deployment = await startDeployment({ isDurable: true })
  try {
    const shop = await openShop(deployment)
    const session = await openSession(deployment, shop)
    const streaming = await openSession(deployment, shop)
    const ticket = await buyTicket(deployment, shop)
    const response = await sendMessage(deployment, streaming.token, `${question} ${scripts.slow}`)
    const parts: Part[] = []
    const reading = (async () => {
      for await (const part of readParts(response)) parts.push(part)
    })()
    await deployment.model.waitForCall(scripts.slow, ({ tokensSent }) => tokensSent > 3)

    await deployment.database.kill()
    const killedAt = performance.now()
    await deployment.model.waitForCall(scripts.slow, ({ outcome }) => outcome === "aborted")
    expect(performance.now() - killedAt).toBeLessThan(2_000)
    await reading
    expect(parts.map((part) => part.type)).not.toContain("finish")

    const authorization = `Bearer ${session.token}`
    const refused = [
      await call(deployment, "/api/embed/chat", {
        headers: { authorization },
        body: { message: question },
      }),
      await call(deployment, "/api/embed/conversation", { headers: { authorization } }),
      await call(deployment, "/api/embed/session", { body: { ticket } }),
      await call(deployment, "/api/embed/ticket", {
        headers: { origin: shop.origin },
        body: { key: shop.key },
      }),
      await shop.api("/v1/bots"),
      await call(deployment, "/ready"),
    ]
    for (const { status, body } of refused)
      expect([status, body.code]).toEqual([503, "unavailable"])
    for (const { text } of refused) expect(text).not.toMatch(/ECONN|postgres|at .*\.[jt]s|SELECT/i)
    expect((await call(deployment, "/health")).status).toBe(200)

    await deployment.database.revive()
    await expect
      .poll(async () => (await call(deployment, "/ready")).status, { timeout: 5_000 })
      .toBe(200)
    // The ticket was not spent by the refusal, the session still stands, the message is still there.
    expect((await call(deployment, "/api/embed/session", { body: { ticket } })).status).toBe(201)
    expect((await ask(deployment, session.token, question)).types.at(-1)).toBe("finish")
    await expectSilenceIsNoYes(deployment, shop, session)
    const list = await shop.api<{ data: { preview: string }[] }>("/v1/conversations")
    expect(list.body.data.map(({ preview }) => preview)).toContain(`${question} ${scripts.slow}`)
  } finally {
    await deployment.stop()
  }
})
