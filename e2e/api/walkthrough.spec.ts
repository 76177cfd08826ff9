import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { expect, test } from "../fixtures.ts"

const root = join(import.meta.dirname, "..", "..")
const script = join(root, "e2e", "walkthrough.sh")

test("curl alone goes from the master key to a cited answer, and past the switch to a refusal", async ({
  deployment,
}) => {
  const child = spawn("sh", [script], {
    env: {
      // The project's own Node picks fields out of JSON; nothing else is needed.
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      BASE: deployment.widgetUrl,
      MASTER_API_KEY: deployment.masterKey,
    } as unknown as NodeJS.ProcessEnv,
    stdio: ["ignore", "pipe", "pipe"],
  })
  const parts: Buffer[] = []
  child.stdout.on("data", (part) => parts.push(part))
  child.stderr.on("data", (part) => parts.push(part))
  const code = await new Promise((resolve) => child.once("close", resolve))
  const output = Buffer.concat(parts).toString("utf8")
  expect(code, output).toBe(0)
  expect(output).toContain('"type":"data-citation"')
  expect(output).toContain("30 days")
  expect(output).toContain("data: [DONE]")
  expect(output).toMatch(/401\s+Refused\.\s*$/)
})

test("the README shows these very lines", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8")
  const shown = /<!-- walkthrough -->\s*```sh\n([\s\S]+?)```/.exec(readme)?.[1] ?? ""
  expect(shown).toContain("/api/embed/chat")
  expect(readFileSync(script, "utf8")).toContain(shown)
})
