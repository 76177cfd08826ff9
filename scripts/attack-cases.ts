import { existsSync, readFileSync } from "node:fs"
import { relative } from "node:path"
import { catalogue, type Severity } from "../e2e/attack/catalogue.ts"

/** A test that carries case ids, and how it ended. */
export type Outcome = { cases: string[]; title: string; file: string; hasPassed: boolean }

/** What is known of one case: shown by tests that passed, excused by a reason, or neither. */
export type Verdict = {
  id: string
  severity: Severity
  state: "passed" | "failed" | "reason" | "open"
  outcomes: Outcome[]
  reason: string | null
}

type VitestReport = {
  testResults: {
    name: string
    assertionResults: { ancestorTitles: string[]; title: string; status: string }[]
  }[]
}
type PlaywrightSuite = {
  title: string
  file: string
  specs: { title: string; ok: boolean; tests: { status: string }[] }[]
  suites?: PlaywrightSuite[]
}

const leadingIds = /^(?:[KTXLIDWFAHC]\d{2},? )+/

/** The ids at the front of a title: "K09, K10 no origin, no ticket" carries two. */
export function readCaseIds(title: string): string[] {
  return leadingIds.exec(title)?.[0].match(/[A-Z]\d{2}/g) ?? []
}

/** The tests of a vitest or Playwright JSON report that carry case ids. A report that is not there: none. */
export function readOutcomes(path: string): Outcome[] {
  if (!existsSync(path)) return []
  const report = JSON.parse(readFileSync(path, "utf8")) as
    | VitestReport
    | { suites: PlaywrightSuite[] }
  const found: Outcome[] = []
  const add = (titles: string[], file: string, hasPassed: boolean) => {
    const cases = titles.flatMap(readCaseIds)
    const title = titles.map((each) => each.replace(leadingIds, "")).join(" › ")
    if (cases.length > 0) found.push({ cases, title, file, hasPassed })
  }
  if ("testResults" in report) {
    for (const { name, assertionResults } of report.testResults)
      for (const { ancestorTitles, title, status } of assertionResults)
        if (status === "passed" || status === "failed")
          add([...ancestorTitles, title], relative(process.cwd(), name), status === "passed")
    return found
  }
  const visit = (suite: PlaywrightSuite, titles: string[]) => {
    for (const spec of suite.specs)
      if (spec.tests.some((test) => test.status !== "skipped"))
        add([...titles, spec.title], `e2e/${suite.file}`, spec.ok)
    for (const inner of suite.suites ?? []) visit(inner, [...titles, inner.title])
  }
  for (const suite of report.suites) visit(suite, [])
  return found
}

/** The cases that SECURITY.md names as not shown by a test: `| K30 | reason |`. */
export function readReasons(path: string): Map<string, string> {
  const rows = readFileSync(path, "utf8").matchAll(/^\| ([KTXLIDWFAHC]\d{2}) \| (.+) \|$/gm)
  return new Map([...rows].map(([, id, reason]) => [id!, reason!]))
}

export function judgeCases(outcomes: Outcome[], reasons: Map<string, string>): Verdict[] {
  const cases = Object.values(catalogue).flatMap((group) => Object.entries(group.cases))
  return cases.map(([id, severity]) => {
    const own = outcomes.filter((outcome) => outcome.cases.includes(id))
    const reason = reasons.get(id) ?? null
    const shown = own.every((outcome) => outcome.hasPassed) ? "passed" : "failed"
    return {
      id,
      severity,
      state: own.length > 0 ? shown : reason ? "reason" : "open",
      outcomes: own,
      reason,
    }
  })
}

/** Prints case → outcome, whole or only what is wrong, and one line that sums it up. */
export function printCases(verdicts: Verdict[], { isWhole }: { isWhole: boolean }): void {
  const count = (state: Verdict["state"]) => verdicts.filter((v) => v.state === state).length
  for (const [letter, group] of Object.entries(catalogue)) {
    const own = verdicts.filter((v) => v.id in group.cases)
    const told = isWhole ? own : own.filter((v) => v.state === "failed" || v.state === "open")
    if (told.length > 0) console.log(`\n${letter}. ${group.name}`)
    for (const { id, severity, state, outcomes, reason } of told) {
      console.log(`${id} ${severity} → ${state}${reason ? `: ${reason}` : ""}`)
      for (const { title, file, hasPassed } of outcomes)
        console.log(`       ${hasPassed ? "✓" : "✘"} ${title}  (${file})`)
    }
  }
  console.log(
    `\n${verdicts.length} cases: ${count("passed")} passed, ${count("reason")} named in SECURITY.md with a reason, ${count("failed")} failed, ${count("open")} without test or reason`,
  )
}
