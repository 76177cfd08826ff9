import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { judgeCases, printCases, readOutcomes, readReasons } from "./attack-cases.ts"

// `npm run check`: everything continuous integration runs, in the same order. Stops at the first red step
// and closes with the sum of all tests that ran.

const root = join(import.meta.dirname, "..")
const reports = mkdtempSync(join(tmpdir(), "coatcheck-check-"))
const bin = (name: string) => join(root, "node_modules", ".bin", name)

type Step = { name: string; command: string[]; report?: string; env?: Record<string, string> }

const unitReport = join(reports, "unit.json")
const browserReport = join(reports, "browser.json")

const steps: Step[] = [
  { name: "Browser and Redis", command: [process.execPath, "scripts/ensure-tools.ts"] },
  { name: "Database client", command: [process.execPath, "scripts/build.ts", "--generate-only"] },
  { name: "Format and lint", command: [bin("biome"), "check", "."] },
  { name: "Import rules", command: [process.execPath, "scripts/lint-imports.ts"] },
  { name: "Build", command: [process.execPath, "scripts/build.ts"] },
  { name: "Types", command: [bin("tsc"), "--noEmit"] },
  { name: "Widget types", command: [bin("tsc"), "--noEmit", "-p", "components/widget"] },
  {
    name: "Unit and database tests",
    command: [
      bin("vitest"),
      "run",
      "--reporter=default",
      "--reporter=json",
      `--outputFile=${unitReport}`,
    ],
    report: unitReport,
  },
  {
    name: "Browser and API tests",
    command: [bin("playwright"), "test", "--reporter=list,json"],
    report: browserReport,
    env: { PLAYWRIGHT_JSON_OUTPUT_NAME: browserReport },
  },
  { name: "Screenshots", command: [process.execPath, "scripts/screenshots.ts"] },
]

let passed = 0
let failed = 0
let skipped = 0
let flaky = 0

/** vitest and Playwright write different reports; both say how many passed. */
function addReport(path: string) {
  if (!existsSync(path)) return
  const report = JSON.parse(readFileSync(path, "utf8"))
  if (report.stats) {
    passed += report.stats.expected + report.stats.flaky
    failed += report.stats.unexpected
    flaky += report.stats.flaky
    skipped += report.stats.skipped
  } else {
    passed += report.numPassedTests
    failed += report.numFailedTests
    skipped += report.numPendingTests
  }
}

let exitCode = 0
for (const { name, command, report, env } of steps) {
  console.log(`\n▸ ${name}`)
  const startedAt = performance.now()
  const { status } = spawnSync(command[0]!, command.slice(1), {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1", ...env },
  })
  if (report) addReport(report)
  console.log(`  ${name}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  if (status === 0) continue
  console.error(`\n${name} failed.`)
  if (!report || failed === 0) failed += 1
  exitCode = 1
  break
}
if (exitCode === 0) {
  console.log("\n▸ Attack catalogue")
  const outcomes = [unitReport, browserReport].flatMap(readOutcomes)
  const verdicts = judgeCases(outcomes, readReasons(join(root, "SECURITY.md")))
  printCases(verdicts, { isWhole: false })
  const open = verdicts.filter((verdict) => verdict.state === "open").length
  failed += open
  if (open > 0) exitCode = 1
}
if (flaky > 0)
  console.log(`\n${flaky} browser tests passed at the second try only: see "flaky" above`)
console.log(`\n${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`)
process.exit(exitCode)
