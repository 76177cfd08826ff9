import { spawnSync } from "node:child_process"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { judgeCases, printCases, readOutcomes, readReasons } from "./attack-cases.ts"

// `npm run attack`: every test, in its long form, then the catalogue case by case: what was tried, and how
// it ended. Takes about an hour on two cores; `npm run check` runs the same tests with fewer rounds.

const root = join(import.meta.dirname, "..")
const reports = mkdtempSync(join(tmpdir(), "coatcheck-attack-"))
const bin = (name: string) => join(root, "node_modules", ".bin", name)
const databaseReport = join(reports, "database.json")
const browserReport = join(reports, "browser.json")

const runs = [
  [process.execPath, join(root, "scripts", "ensure-tools.ts")],
  [bin("vitest"), "run", "--reporter=default", "--reporter=json", `--outputFile=${databaseReport}`],
  [bin("playwright"), "test", "--reporter=list,json"],
]
const statuses = runs.map(
  ([command, ...args]) =>
    spawnSync(command!, args, {
      cwd: root,
      stdio: "inherit",
      env: { ...process.env, ATTACK: "long", PLAYWRIGHT_JSON_OUTPUT_NAME: browserReport },
    }).status,
)

const outcomes = [databaseReport, browserReport].flatMap(readOutcomes)
const verdicts = judgeCases(outcomes, readReasons(join(root, "SECURITY.md")))
printCases(verdicts, { isWhole: true })
const isGood = statuses.every((status) => status === 0) && verdicts.every((v) => v.state !== "open")
process.exit(isGood ? 0 : 1)
