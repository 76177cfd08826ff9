import { afterAll, expect, test } from "vitest"
import { updateEmbedKey } from "#lib/keys/commands.ts"
import { disconnect } from "#lib/tenancy/database.ts"
import { makeBot, makeEmbedKey, makeTenant, makeVisitor } from "#prisma/factories.ts"
import { withClient } from "#runtime/database-roles.ts"
import { countOpenStreams, openStream, Revoked } from "./open-streams.ts"

afterAll(disconnect)

const whenAborted = (signal: AbortSignal) =>
  new Promise<number>((resolve) => {
    const startedAt = performance.now()
    const answer = () => resolve(performance.now() - startedAt)
    if (signal.aborted) answer()
    else signal.addEventListener("abort", answer)
  })

async function enter() {
  const { scope } = await makeTenant()
  const key = await makeEmbedKey(scope, (await makeBot(scope)).id)
  return { scope, key, visitor: await makeVisitor(key.key) }
}

test("a switch thrown between a request's check and its stream cuts the stream at once, not at the next tick", async () => {
  const { scope, key, visitor } = await enter()
  const { visitor: bystander } = await enter()
  await updateEmbedKey(scope, key.id, { status: "disabled" })
  // Nothing was open, so nobody listened: the news is over. The first one's check is under way for the others.
  const kept = openStream(bystander.sessionId)
  const late = [openStream(visitor.sessionId), openStream(visitor.sessionId)]
  for (const { signal, close } of late) {
    expect(await whenAborted(signal)).toBeLessThan(400)
    expect(signal.reason).toBeInstanceOf(Revoked)
    close()
  }
  expect(kept.signal.aborted).toBe(false)
  kept.close()
  expect(countOpenStreams()).toBe(0)
})

test("a switch thrown by hand, past every command of ours, cuts a stream within a second", async () => {
  const { key, visitor } = await enter()
  const { signal, close } = openStream(visitor.sessionId)
  await withClient(process.env.TEST_OWNER_URL!, async (client) => {
    await client.query("begin")
    // The owner is under row-level security like anyone: a person at the database switches it off first.
    await client.query("alter table embed_keys no force row level security")
    await client.query("update embed_keys set status = 'disabled' where id = $1", [key.id])
    await client.query("alter table embed_keys force row level security")
    await client.query("commit")
  })
  expect(await whenAborted(signal)).toBeLessThan(1_000)
  close()
})
