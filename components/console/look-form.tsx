"use client"

import { type FormEvent, useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { Field, TextField } from "#components/ui/field.tsx"
import { SelectField } from "#components/ui/select.tsx"
import { TextAreaField } from "#components/ui/textarea.tsx"
import type { BotView } from "#lib/bots/schema.ts"
import type { UpdateBot } from "./bot-actions.ts"
import { useCan } from "./console-context.tsx"
import { ProblemNotice } from "./problem-notice.tsx"
import { useBotChange } from "./quality-gate.tsx"

const languages = [
  { value: "", label: "The visitor’s own language" },
  { value: "en", label: "English" },
  { value: "de", label: "German" },
  { value: "fr", label: "French" },
  { value: "es", label: "Spanish" },
  { value: "it", label: "Italian" },
  { value: "nl", label: "Dutch" },
  { value: "pl", label: "Polish" },
  { value: "pt", label: "Portuguese" },
  { value: "tr", label: "Turkish" },
  { value: "ar", label: "Arabic" },
  { value: "he", label: "Hebrew" },
]

const fields = [
  "name",
  "greeting",
  "limitNote",
  "color",
  "position",
  "label",
  "locale",
  "instructions",
  "starters",
]

/** The name, words and colours visitors meet, and how the bot is told to speak. */
export function LookForm({ bot, updateBot }: { bot: BotView; updateBot: UpdateBot }) {
  const canWrite = useCan("bots.write")
  const command = useBotChange(updateBot, {
    doneMessage: "Saved. Visitors see it on their next visit.",
  })
  const [color, setColor] = useState(bot.color)

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const text = (name: string) => String(form.get(name) ?? "").trim()
    void command.run({
      botId: bot.id,
      name: text("name"),
      greeting: text("greeting"),
      limitNote: text("limitNote"),
      color: text("color"),
      position: text("position") === "left" ? "left" : "right",
      label: text("label") || null,
      locale: text("locale") || null,
      instructions: String(form.get("instructions") ?? ""),
      starters: text("starters")
        .split("\n")
        .map((line) => line.trim())
        .filter(Boolean),
    })
  }

  return (
    <Card title="Look and voice">
      {command.dialog}
      <form onSubmit={submit}>
        <fieldset disabled={!canWrite} className="flex flex-col gap-5">
          <ProblemNotice problem={command.problem} fields={fields} />
          <TextField
            label="Name"
            name="name"
            defaultValue={bot.name}
            maxLength={60}
            required
            error={command.issue("name")}
          />
          <TextAreaField
            label="Greeting"
            name="greeting"
            rows={2}
            maxLength={300}
            defaultValue={bot.greeting}
            hint="The first thing visitors read."
            error={command.issue("greeting")}
          />
          <TextAreaField
            label="Starter questions"
            name="starters"
            rows={3}
            defaultValue={bot.starters.join("\n")}
            hint="Up to four, one a line. Visitors ask them with one tap."
            error={command.issue("starters")}
          />
          <TextAreaField
            label="Words at the limit"
            name="limitNote"
            rows={2}
            maxLength={300}
            defaultValue={bot.limitNote}
            hint="What visitors read when the messages of a day are used up, and beside the quotes when the money is. Empty: a short sentence of ours."
            error={command.issue("limitNote")}
          />
          <div className="grid gap-5 sm:grid-cols-2">
            <Field
              label="Colour"
              hint="Made readable by itself where it must be."
              error={command.issue("color")}
            >
              {(control) => (
                <span className="flex items-center gap-3">
                  <input
                    {...control}
                    type="color"
                    name="color"
                    value={color}
                    onChange={(event) => setColor(event.target.value)}
                    className="h-9 w-14 pointer-coarse:h-11 cursor-pointer rounded-control border border-edge bg-card p-1"
                  />
                  <span className="font-mono text-13 text-quiet">{color}</span>
                </span>
              )}
            </Field>
            <SelectField
              label="Corner"
              name="position"
              defaultValue={bot.position}
              options={[
                { value: "right", label: "Bottom right" },
                { value: "left", label: "Bottom left" },
              ]}
              error={command.issue("position")}
            />
            <TextField
              label="Words on the button"
              name="label"
              maxLength={30}
              defaultValue={bot.label ?? ""}
              hint="Empty: only the icon."
              error={command.issue("label")}
            />
            <SelectField
              label="Language of the chat"
              name="locale"
              defaultValue={bot.locale ?? ""}
              options={
                bot.locale && !languages.some((one) => one.value === bot.locale)
                  ? [...languages, { value: bot.locale, label: bot.locale }]
                  : languages
              }
              error={command.issue("locale")}
            />
          </div>
          <TextAreaField
            label="Instructions"
            name="instructions"
            rows={5}
            maxLength={4000}
            defaultValue={bot.instructions}
            hint="How it should answer, such as “Be brief. Say ‘you’. Offer to call back when unsure.” They don’t keep anything secret: visitors can ask for them."
            error={command.issue("instructions")}
          />
          {canWrite ? (
            <Button
              type="submit"
              look="action"
              className="self-start"
              isBusy={command.isRunning}
              busyLabel="Saving…"
            >
              Save
            </Button>
          ) : null}
        </fieldset>
      </form>
    </Card>
  )
}
