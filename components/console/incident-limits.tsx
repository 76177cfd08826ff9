"use client"

import { type FormEvent, useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { TextField } from "#components/ui/field.tsx"
import { SelectField } from "#components/ui/select.tsx"
import type { EmbedKeyView } from "#lib/keys/schema.ts"
import type { UpdateKey } from "./bot-actions.ts"
import { useCan } from "./console-context.tsx"
import { formatNumber } from "./format.ts"
import { readMoney, writeMoney } from "./money.ts"
import { ProblemNotice } from "./problem-notice.tsx"
import { tightenLimits } from "./tighten-limits.ts"
import { useCommand } from "./use-command.ts"

const counts = [
  ["messagesPerMinutePerSession", "Messages a minute, one visitor"],
  ["messagesPerMinutePerIp", "Messages a minute, one address"],
  ["messagesPerDay", "Messages a day, all together"],
  ["ticketsPerMinute", "New chats a minute, all together"],
] as const

type IncidentLimitsProps = { embedKey: EmbedKeyView; currency: string; update: UpdateKey }

/** How much this tag lets through, the bot check, and what it may set off. */
export function IncidentLimits({ embedKey, currency, update }: IncidentLimitsProps) {
  const canWrite = useCan("keys.write")
  const tighten = useCommand(update, {
    doneMessage: "Tightened. It counts from the next message.",
    isProblemToasted: true,
  })
  const check = useCommand(update, { doneMessage: "Saved.", isProblemToasted: true })
  const tools = useCommand(update, { doneMessage: "Stopped.", isProblemToasted: true })
  const { id: keyId, limits } = embedKey
  return (
    <Card
      title="Limits"
      description="At a limit the chat says so and goes on later; at the spending limit it quotes your sources instead."
      action={
        canWrite ? (
          <Button
            isBusy={tighten.isRunning}
            onClick={() => void tighten.run({ keyId, limits: tightenLimits(limits) })}
          >
            Tighten limits
          </Button>
        ) : null
      }
    >
      <div className="flex flex-col gap-5">
        {/* The key puts fresh figures into the fields after a save; a failed one keeps what was typed. */}
        <LimitsForm
          key={JSON.stringify(limits)}
          embedKey={embedKey}
          currency={currency}
          update={update}
          isReadOnly={!canWrite}
        />
        <div className="border-t border-hairline pt-5">
          <SelectField
            key={embedKey.botCheck}
            label="Bot check"
            defaultValue={embedKey.botCheck}
            disabled={!canWrite || check.isRunning}
            options={[
              { value: "off", label: "Off" },
              { value: "suspicious", label: "When someone looks suspicious" },
              { value: "always", label: "Always" },
            ]}
            hint="Visitors solve nothing: their browser does a moment’s work while they type. It rises by itself when half of a day’s limit goes in an unusual hour."
            onChange={(event) => {
              const botCheck = event.target.value as EmbedKeyView["botCheck"]
              void check.run({ keyId, botCheck })
            }}
          />
        </div>
        {embedKey.tools.length > 0 ? (
          <div className="flex flex-wrap items-center justify-between gap-3 border-t border-hairline pt-5">
            <p className="min-w-0 flex-1 basis-56">
              {formatNumber(embedKey.tools.length, "tool")} can change things through this tag, once
              the visitor agrees.
            </p>
            {canWrite ? (
              <Button isBusy={tools.isRunning} onClick={() => void tools.run({ keyId, tools: [] })}>
                Stop them
              </Button>
            ) : null}
          </div>
        ) : null}
      </div>
    </Card>
  )
}

type LimitsFormProps = IncidentLimitsProps & { isReadOnly: boolean }

function LimitsForm({ embedKey, currency, update, isReadOnly }: LimitsFormProps) {
  const { id: keyId, limits } = embedKey
  const command = useCommand(update, { doneMessage: "Limits saved." })
  const [moneyError, setMoneyError] = useState<string | undefined>()
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const values = new FormData(event.currentTarget)
    const monthlySpendMinor = readMoney(String(values.get("monthlySpendMinor")), currency)
    setMoneyError(
      monthlySpendMinor === null
        ? `Enter an amount such as ${writeMoney(2_000, currency)}.`
        : undefined,
    )
    if (monthlySpendMinor === null) return
    const typed = Object.fromEntries(counts.map(([name]) => [name, Number(values.get(name))]))
    void command.run({ keyId, limits: { ...typed, monthlySpendMinor } })
  }
  const paths = [...counts.map(([name]) => `limits.${name}`), "limits.monthlySpendMinor"]
  return (
    <form onSubmit={submit} className="flex flex-col gap-4" noValidate>
      <ProblemNotice problem={command.problem} fields={paths} />
      <div className="grid gap-4 sm:grid-cols-2">
        {counts.map(([name, label]) => (
          <TextField
            key={name}
            label={label}
            name={name}
            type="number"
            inputMode="numeric"
            min={0}
            step={1}
            defaultValue={limits[name]}
            readOnly={isReadOnly}
            error={command.issue(`limits.${name}`)}
          />
        ))}
        <TextField
          label={`Spending limit a month (${currency})`}
          name="monthlySpendMinor"
          inputMode="decimal"
          defaultValue={writeMoney(limits.monthlySpendMinor, currency)}
          readOnly={isReadOnly}
          error={moneyError ?? command.issue("limits.monthlySpendMinor")}
        />
      </div>
      {isReadOnly ? null : (
        <Button type="submit" className="self-start" isBusy={command.isRunning} busyLabel="Saving…">
          Save limits
        </Button>
      )}
    </form>
  )
}
