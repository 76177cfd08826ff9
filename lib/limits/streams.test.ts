import { randomInt } from "node:crypto"
import { Client } from "pg"
import { afterAll, beforeAll, expect, test } from "vitest"
import { env } from "#lib/env.ts"
import { callDefiner, disconnect, withTenant } from "#lib/tenancy/database.ts"
import { makeBot, makeEmbedKey, makeTenant, makeVisitor } from "#prisma/factories.ts"
import { freeGoneStreams, withStreamLease } from "./streams.ts"

let key: string
beforeAll(async () => {
  const tenant = await makeTenant()
  key = (await makeEmbedKey(tenant.scope, (await makeBot(tenant.scope)).id)).key
})
afterAll(disconnect)

const hold = async (free: () => Promise<void>) => free

test("one address holds at most five open answers at once, and gets places back", async () => {
  const { scope } = await makeVisitor(key)
  const asked = Array.from({ length: 20 }, () => withStreamLease(scope, "203.0.113.5", hold))
  const outcomes = await Promise.allSettled(asked)
  const held = outcomes.flatMap((outcome) =>
    outcome.status === "fulfilled" ? [outcome.value] : [],
  )
  expect(held).toHaveLength(5)
  const elsewhere = await withStreamLease(scope, "203.0.113.6", hold)
  await elsewhere()
  await held[0]!()
  const again = await withStreamLease(scope, "203.0.113.5", hold)
  await expect(withStreamLease(scope, "203.0.113.5", hold)).rejects.toMatchObject({
    code: "stream_limit",
  })
  for (const free of [...held.slice(1), again]) await free()
})

test("work that fails gives its place back", async () => {
  const { scope } = await makeVisitor(key)
  for (let i = 0; i < 6; i++) {
    const failing = withStreamLease(scope, "203.0.113.7", async () => {
      throw new Error("refused later")
    })
    await expect(failing).rejects.toThrow("refused later")
  }
})

test("the place of a process that died is free once its lease has run out", async () => {
  const { scope } = await makeVisitor(key)
  const { sessionId, keyId } = scope.visitor
  for (let i = 0; i < 5; i++)
    await callDefiner("take_stream_dead", "select limits.take_stream($1, $2, $3, $4, 5, 50, -1)", [
      `dead-${sessionId}-${i}`,
      sessionId,
      keyId,
      "203.0.113.8",
    ])
  const free = await withStreamLease(scope, "203.0.113.8", hold)
  await free()
})

/** A process as the others see it: a lock on a connection, and what it holds. `die` is what kill -9 does. */
async function startHolder() {
  const number = randomInt(1, 2 ** 31 - 1)
  const client = new Client({ connectionString: env.DATABASE_URL })
  await client.connect()
  await client.query("select pg_advisory_lock(20261121, $1)", [number])
  return { number, die: () => client.end() }
}

test("L07 the places of a process that died are free at once, those of a living one are not", async () => {
  const { scope } = await makeVisitor(key)
  const { sessionId, keyId } = scope.visitor
  const holder = await startHolder()
  for (let i = 0; i < 5; i++)
    await callDefiner("take_held", "select limits.take_stream($1, $2, $3, $4, 5, 50, 600, $5)", [
      `held-${sessionId}-${i}`,
      sessionId,
      keyId,
      "203.0.113.9",
      holder.number,
    ])
  const take = () => withStreamLease(scope, "203.0.113.9", hold)
  await expect(take()).rejects.toMatchObject({ code: "stream_limit" })
  await holder.die()
  // The database notices a closed connection when it next looks at it.
  await expect.poll(async () => (await take().catch(() => null)) !== null).toBe(true)
})

test("what a dead process was writing ends as interrupted; a living one's answer goes on", async () => {
  const visitors = [await makeVisitor(key), await makeVisitor(key)] as const
  const [dying, living] = [await startHolder(), await startHolder()]
  for (const [i, { scope }] of visitors.entries())
    await withTenant(scope, async (tx) => {
      const { tenantId } = scope
      const { botId, visitorId, origin, sessionId } = scope.visitor
      const id = `cnv_${sessionId}`
      await tx.conversation.create({ data: { id, tenantId, botId, visitorId, origin } })
      await tx.message.create({
        data: {
          id: `msg_${sessionId}`,
          tenantId,
          conversationId: id,
          visitorId,
          ordinal: 1,
          role: "assistant",
          text: "Half",
          status: "streaming",
        },
      })
      await tx.session.updateMany({
        where: { id: sessionId },
        data: {
          streamingUntil: new Date(Date.now() + 600_000),
          streamingBy: [dying, living][i]!.number,
        },
      })
    })
  const read = () =>
    Promise.all(
      visitors.map(({ scope }) =>
        withTenant(scope, async (tx) => {
          const message = await tx.message.findFirst({})
          const session = await tx.session.findFirst({ where: { id: scope.visitor.sessionId } })
          return `${message?.status} ${session?.streamingUntil === null ? "free" : "held"}`
        }),
      ),
    )
  expect(await read()).toEqual(["streaming held", "streaming held"])
  await dying.die()
  await expect
    .poll(async () => {
      await freeGoneStreams()
      return read()
    })
    .toEqual(["interrupted free", "streaming held"])
  await living.die()
})
