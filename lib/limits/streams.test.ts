import { afterAll, beforeAll, expect, test } from "vitest"
import { callDefiner, disconnect } from "#lib/tenancy/database.ts"
import { makeBot, makeEmbedKey, makeTenant, makeVisitor } from "#prisma/factories.ts"
import { withStreamLease } from "./streams.ts"

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
