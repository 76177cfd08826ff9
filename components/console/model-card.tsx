"use client"

import { type FormEvent, useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { TextField } from "#components/ui/field.tsx"
import { Notice } from "#components/ui/notice.tsx"
import { SelectField } from "#components/ui/select.tsx"
import type { ModelProvider, SaveModelInput, TenantModelView } from "#lib/models/schema.ts"
import type { Command } from "./command.ts"
import { ConfirmDialog } from "./confirm-dialog.tsx"
import { readPrice, writePrice } from "./money.ts"
import { ProblemNotice } from "./problem-notice.tsx"
import { useCommand } from "./use-command.ts"

const providers: { value: ModelProvider; label: string }[] = [
  { value: "openai", label: "OpenAI" },
  { value: "anthropic", label: "Anthropic" },
  { value: "openai-compatible", label: "Another that speaks like OpenAI" },
]

const prices = [
  ["inputPrice", "Words it reads"],
  ["cachedPrice", "Words it read before"],
  ["outputPrice", "Words it writes"],
] as const

export type ModelActions = {
  saveModel: Command<SaveModelInput, TenantModelView>
  removeModel: Command<Record<string, never>>
  tryModel: Command<Record<string, never>, { word: string }>
}

type ModelCardProps = { model: TenantModelView | null; currency: string; actions: ModelActions }

/** A language model of the business's own: where it is, its key, and what it costs. */
export function ModelCard({ model, currency, actions }: ModelCardProps) {
  return (
    <Card
      title="Your own language model"
      description="Answers are written by it, on your account with its provider, within your spending limits."
      action={model ? <RemoveModel model={model} removeModel={actions.removeModel} /> : null}
    >
      <div className="flex flex-col gap-5">
        {/* The key puts what is stored into the fields after a save; a failed one keeps what was typed. */}
        <ModelForm
          key={model?.updatedAt ?? ""}
          model={model}
          currency={currency}
          saveModel={actions.saveModel}
        />
        {model ? <TryModel tryModel={actions.tryModel} /> : null}
      </div>
    </Card>
  )
}

type ModelFormProps = {
  model: TenantModelView | null
  currency: string
  saveModel: ModelActions["saveModel"]
}

function ModelForm({ model, currency, saveModel }: ModelFormProps) {
  const command = useCommand(saveModel, { doneMessage: "Saved. It writes the next answer." })
  const [priceErrors, setPriceErrors] = useState<Record<string, string>>({})
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const text = (name: string) => String(form.get(name) ?? "").trim()
    const read = Object.fromEntries(
      prices.map(([name]) => [name, readPrice(text(name), currency)]),
    ) as Record<(typeof prices)[number][0], string | null>
    const { inputPrice, cachedPrice, outputPrice } = read
    setPriceErrors(
      Object.fromEntries(
        prices.flatMap(([name]) =>
          read[name] === null ? [[name, "Enter a price such as 0.15; 0 when it is free."]] : [],
        ),
      ),
    )
    if (inputPrice === null || cachedPrice === null || outputPrice === null) return
    const apiKey = text("apiKey")
    void command.run({
      provider: providers.find(({ value }) => value === text("provider"))!.value,
      url: text("url"),
      name: text("name"),
      ...(apiKey ? { apiKey } : {}),
      inputPrice,
      cachedPrice,
      outputPrice,
    })
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-5" noValidate>
      <ProblemNotice
        problem={command.problem}
        fields={["url", "name", "apiKey", ...prices.map(([name]) => name)]}
      />
      <div className="grid gap-5 sm:grid-cols-2">
        <SelectField
          label="Provider"
          name="provider"
          defaultValue={model?.provider ?? "openai"}
          options={providers}
        />
        <TextField
          label="Model"
          name="name"
          defaultValue={model?.name ?? ""}
          autoComplete="off"
          hint="As the provider calls it."
          error={command.issue("name")}
        />
        <TextField
          label="Address"
          name="url"
          inputMode="url"
          defaultValue={model?.url ?? ""}
          hint="Empty: OpenAI’s or Anthropic’s own."
          error={command.issue("url")}
        />
        <TextField
          label="Key"
          name="apiKey"
          type="password"
          autoComplete="off"
          hint={
            model
              ? `Ends in ${model.lastFour}. Leave it empty to keep it; another address needs it again.`
              : "Kept encrypted and never shown again."
          }
          error={command.issue("apiKey")}
        />
      </div>
      <fieldset className="flex flex-col gap-2">
        <legend className="text-14 font-medium">What a million tokens cost ({currency})</legend>
        <p className="text-13 text-quiet">
          From your provider’s price list. Your spending limits are counted by it.
        </p>
        <div className="mt-1 grid gap-5 sm:grid-cols-3">
          {prices.map(([name, label]) => (
            <TextField
              key={name}
              label={label}
              name={name}
              inputMode="decimal"
              defaultValue={model ? writePrice(model[name], currency) : ""}
              error={priceErrors[name] ?? command.issue(name)}
            />
          ))}
        </div>
      </fieldset>
      <Button
        type="submit"
        look="action"
        className="self-start"
        isBusy={command.isRunning}
        busyLabel="Saving…"
      >
        Save model
      </Button>
    </form>
  )
}

function TryModel({ tryModel }: { tryModel: ModelActions["tryModel"] }) {
  const [word, setWord] = useState<string | null>(null)
  const command = useCommand(tryModel, { onDone: (tried) => setWord(tried.word) })
  return (
    <div className="flex flex-col items-start gap-3 border-t border-hairline pt-5">
      <Button
        isBusy={command.isRunning}
        busyLabel="Asking…"
        onClick={() => {
          setWord(null)
          void command.run({})
        }}
      >
        Ask it one word
      </Button>
      <div role="status" className="w-full empty:hidden">
        {word ? (
          <Notice tone="good" title="It answers">
            <span className="wrap-anywhere">“{word}”</span>
          </Notice>
        ) : null}
      </div>
      {command.problem ? <ProblemNotice problem={command.problem} /> : null}
    </div>
  )
}

function RemoveModel({
  model,
  removeModel,
}: {
  model: TenantModelView
  removeModel: ModelActions["removeModel"]
}) {
  const [isAsking, setAsking] = useState(false)
  const command = useCommand(removeModel, {
    doneMessage: "Removed. Its key is gone.",
    onDone: () => setAsking(false),
  })
  return (
    <>
      <Button size="small" onClick={() => setAsking(true)}>
        Remove
      </Button>
      <ConfirmDialog
        isOpen={isAsking}
        onOpenChange={setAsking}
        title={`Remove “${model.name}”?`}
        verb="Remove it"
        busyVerb="Removing…"
        isRunning={command.isRunning}
        problem={command.problem}
        onConfirm={() => void command.run({})}
      >
        Answers go back to this service’s own model, or to quoting your sources. The key is deleted.
      </ConfirmDialog>
    </>
  )
}
