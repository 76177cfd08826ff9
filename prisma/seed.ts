import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { createPreviewTicket } from "#lib/admission/tickets.ts"
import { updateBot } from "#lib/bots/commands.ts"
import { disconnect } from "#lib/tenancy/database.ts"
import { makeEmbedKey, makeQuestion, makeTenant, makeTextSource, makeVisitor } from "./factories.ts"

// The demo business: a shop with ten help articles, one published bot and a test tag for its own pages.

/** What `npm run demo` prints and passes on. */
export type DemoFacts = {
  email: string
  password: string
  tenantId: string
  botId: string
  embedKey: string
  /** Opens the bot on our own landing page, by hosted tickets only. */
  landingKey: string
}

export const demoSignIn = { email: "owner@lantern-loom.example", password: "lantern-and-loom" }

/** What visitors have asked already: the console is not empty, and one question shows a gap. */
const asked = [
  ["How long does delivery to Norway take?", "And what does it cost?"],
  ["Can I put a wool blanket in the tumble dryer?"],
  ["Are you open on Saturdays?", "Where can I park?"],
  ["Do you rent out tents for weddings?"],
  ["Is the lamp Storm safe in a bathroom?"],
]

/** Makes the demo business in an empty database. `shopOrigin` is where its page is served. */
export async function seedDemo(shopOrigin: string): Promise<DemoFacts> {
  const tenant = await makeTenant({ name: "Lantern & Loom", ...demoSignIn })
  const { scope, botId, tenantId } = tenant
  await updateBot(scope, botId, {
    name: "Lantern & Loom",
    greeting: "Hello! Ask me about delivery, returns, our blankets and lamps, or when we are open.",
    color: "#2f5d62",
    label: "Ask us",
    starters: [
      "How long does delivery take?",
      "How do I wash a wool blanket?",
      "When are you open?",
    ],
    instructions: "Be friendly and brief. Prices are in euros.",
    published: true,
  })
  const folder = join(import.meta.dirname, "..", "demo", "articles")
  for (const file of readdirSync(folder).sort()) {
    const markdown = readFileSync(join(folder, file), "utf8")
    const title = /^# (.+)$/m.exec(markdown)![1]!
    await makeTextSource(scope, botId, { title, text: markdown.replace(/^# .+\n+/, "") })
  }
  const key = await makeEmbedKey(scope, botId, {
    name: "Shop website",
    mode: "test",
    allowedOrigins: [shopOrigin],
  })
  for (const questions of asked) {
    const visitor = await makeVisitor(key.key, { origin: shopOrigin })
    for (const question of questions) await makeQuestion(visitor, question)
  }
  const { key: landingKey } = await createPreviewTicket(scope, botId)
  return { ...demoSignIn, tenantId, botId, embedKey: key.key, landingKey }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { shop: { type: "string" }, out: { type: "string" } } })
  const facts = await seedDemo(values.shop ?? "http://shop.localhost:3001")
  writeFileSync(values.out ?? "demo.json", JSON.stringify(facts, null, 2), { mode: 0o600 })
  await disconnect()
}
