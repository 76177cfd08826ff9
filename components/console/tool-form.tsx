"use client"

import { type FormEvent, useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { TextField } from "#components/ui/field.tsx"
import { SelectField } from "#components/ui/select.tsx"
import { TextAreaField } from "#components/ui/textarea.tsx"
import type { CreateToolInput, ToolView } from "#lib/tools/schema.ts"
import type { Problem } from "./command.ts"
import { ProblemNotice } from "./problem-notice.tsx"
import { readHeaderLines } from "./tool-headers.ts"
import { ToolValues, toDraftValues, toParameters } from "./tool-values.tsx"

export const effects = [
  { value: "write", label: "Changes something: visitors are asked first" },
  { value: "read", label: "Only looks something up" },
] as const

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const
type Method = (typeof methods)[number]

type ToolFormProps = {
  /** The tool that is changed; none when one is added. */
  tool?: ToolView
  problem: Problem | null
  isRunning: boolean
  onSubmit: (input: CreateToolInput) => Promise<boolean>
}

const shownFields = ["name", "description", "url", "headers"]

/** A tool of the owner's own server: what it is for, where it is, and what the bot fills in. */
export function ToolForm({ tool, problem, isRunning, onSubmit }: ToolFormProps) {
  const [values, setValues] = useState(tool ? toDraftValues(tool.parameters) : [])
  const [headerFault, setHeaderFault] = useState<string | null>(null)
  const { issue, rest } = splitProblem(problem)

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const headers = readHeaderChoice(form)
    setHeaderFault(headers === null ? headerHelp : null)
    if (headers === null) return
    const text = (name: string) => String(form.get(name) ?? "").trim()
    const shared = { name: text("name"), isWrite: form.get("effect") !== "read" }
    const isRemote = tool?.kind === "mcp"
    await onSubmit(
      (isRemote
        ? shared
        : {
            ...shared,
            description: text("description"),
            method: text("method") as Method,
            url: text("url"),
            parameters: toParameters(values),
            ...(headers ? { headers } : {}),
          }) as CreateToolInput,
    )
  }

  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <ProblemNotice problem={rest} fields={shownFields} />
      <TextField
        label="Name"
        name="name"
        required
        maxLength={40}
        pattern="[a-z][a-z0-9_]*"
        title="Small letters, digits and _, beginning with a letter"
        placeholder="order_status"
        dir="ltr"
        defaultValue={tool?.name ?? ""}
        hint="Small letters, digits and _. The bot calls it by this name."
        error={issue("name")}
      />
      <SelectField
        label="What it does"
        name="effect"
        defaultValue={tool && !tool.isWrite ? "read" : "write"}
        options={effects}
        hint="When in doubt, leave it: a visitor then sees the values and says yes before it runs."
      />
      {tool?.kind === "mcp" ? null : (
        <>
          <TextAreaField
            label="When the bot should use it"
            name="description"
            required
            rows={2}
            maxLength={500}
            defaultValue={tool?.description ?? ""}
            placeholder="Says where an order is, by its number."
            error={issue("description")}
          />
          <div className="grid gap-4 sm:grid-cols-[7.5rem_1fr]">
            <SelectField
              label="Method"
              name="method"
              defaultValue={tool?.method ?? "GET"}
              options={methods.map((method) => ({ value: method, label: method }))}
            />
            <TextField
              label="Address"
              name="url"
              required
              maxLength={1000}
              inputMode="url"
              dir="ltr"
              placeholder="https://api.example.com/orders/{order}"
              defaultValue={tool?.url ?? ""}
              error={issue("url")}
            />
          </div>
          <p className="-mt-2 text-13 text-quiet">
            {"Put a value into the address as {name}. The others are sent with the call."}
          </p>
          <ToolValues values={values} onChange={setValues} />
          <HeaderField names={tool?.headerNames ?? []} error={headerFault ?? issue("headers")} />
        </>
      )}
      <Button
        type="submit"
        look="action"
        className="self-end"
        isBusy={isRunning}
        busyLabel="Saving…"
      >
        {tool ? "Save" : "Add tool"}
      </Button>
    </form>
  )
}

/** What stands beside a field, and what is left for the notice: a refused address belongs to its field. */
export function splitProblem(problem: Problem | null) {
  const isAddress = problem?.code === "url_not_allowed"
  return {
    rest: isAddress ? null : problem,
    issue: (path: string) =>
      path === "url" && isAddress
        ? `${problem.title} ${problem.detail}`
        : problem?.issues?.find((one) => one.path === path)?.message,
  }
}

export const headerHelp = "Write each as Name: value, one a line."

/** Headers of a call: written once, never shown again. */
export function HeaderField({ names, error }: { names: string[]; error: string | undefined }) {
  return (
    <div className="flex flex-col gap-2">
      <TextAreaField
        label="Headers"
        name="headers"
        rows={2}
        dir="ltr"
        autoComplete="off"
        spellCheck={false}
        placeholder="Authorization: Bearer …"
        hint={
          names.length > 0
            ? `Stored and not shown: ${names.join(", ")}. Leave this empty to keep them.`
            : "For a password or key that the address asks for, one a line. Kept encrypted; the bot never sees it."
        }
        error={error}
      />
      {names.length > 0 ? (
        <label className="flex items-center gap-2 text-14">
          <input type="checkbox" name="dropsHeaders" className="size-4 accent-action" />
          Remove the stored headers
        </label>
      ) : null}
    </div>
  )
}

/** What to do with the headers: new ones, none, or (undefined) as they are; null when unreadable. */
export function readHeaderChoice(form: FormData): Record<string, string> | undefined | null {
  const text = String(form.get("headers") ?? "")
  if (text.trim() !== "") return readHeaderLines(text)
  return form.get("dropsHeaders") ? {} : undefined
}
