"use client"

import { useId } from "react"
import { Button, IconButton } from "#components/ui/button.tsx"
import { TextField } from "#components/ui/field.tsx"
import { SelectField } from "#components/ui/select.tsx"
import type { ToolParameter, ToolParameters } from "#lib/tools/schema.ts"

/** One value of a tool while it is being written; `rest` is what this form does not show. */
export type DraftValue = {
  id: number
  name: string
  type: ToolParameter["type"]
  description: string
  isRequired: boolean
  rest: Partial<ToolParameter>
}

export const valueTypes = [
  { value: "string", label: "Text" },
  { value: "integer", label: "Whole number" },
  { value: "number", label: "Number" },
  { value: "boolean", label: "Yes or no" },
] as const

export function toDraftValues({ properties, required }: ToolParameters): DraftValue[] {
  return Object.entries(properties).map(([name, { type, description, ...rest }], id) => ({
    id,
    name,
    type,
    description: description ?? "",
    isRequired: required.includes(name),
    rest,
  }))
}

export function toParameters(values: DraftValue[]): ToolParameters {
  const named = values.filter(({ name }) => name.trim() !== "")
  return {
    type: "object",
    properties: Object.fromEntries(
      named.map(({ name, type, description, rest }) => [
        name.trim(),
        { ...rest, type, ...(description.trim() ? { description: description.trim() } : {}) },
      ]),
    ),
    required: named.filter(({ isRequired }) => isRequired).map(({ name }) => name.trim()),
    additionalProperties: false,
  }
}

type ToolValuesProps = { values: DraftValue[]; onChange: (values: DraftValue[]) => void }

/** What the bot has to fill in, one row each. */
export function ToolValues({ values, onChange }: ToolValuesProps) {
  const change = (id: number, part: Partial<DraftValue>) =>
    onChange(values.map((value) => (value.id === id ? { ...value, ...part } : value)))
  const nextId = Math.max(-1, ...values.map(({ id }) => id)) + 1
  return (
    <fieldset className="flex flex-col gap-3">
      <legend className="mb-1 text-14 font-medium">Values the bot fills in</legend>
      {values.map((value) => (
        <ValueRow
          key={value.id}
          value={value}
          onChange={(part) => change(value.id, part)}
          onRemove={() => onChange(values.filter(({ id }) => id !== value.id))}
        />
      ))}
      {values.length === 0 ? (
        <p className="text-13 text-quiet">None yet: every call of this tool is the same.</p>
      ) : null}
      <Button
        size="small"
        icon="plus"
        className="self-start"
        disabled={values.length >= 20}
        onClick={() =>
          onChange([
            ...values,
            { id: nextId, name: "", type: "string", description: "", isRequired: true, rest: {} },
          ])
        }
      >
        Add a value
      </Button>
    </fieldset>
  )
}

type ValueRowProps = {
  value: DraftValue
  onChange: (part: Partial<DraftValue>) => void
  onRemove: () => void
}

function ValueRow({ value, onChange, onRemove }: ValueRowProps) {
  const requiredId = useId()
  return (
    <div className="grid grid-cols-[1fr_auto] gap-3 rounded-control border border-hairline p-3 sm:grid-cols-[1fr_9.5rem_auto]">
      <TextField
        label="Name"
        className="max-sm:col-span-2"
        value={value.name}
        required
        maxLength={40}
        pattern="[A-Za-z][A-Za-z0-9_]*"
        title="Letters, digits and _, beginning with a letter"
        placeholder="order"
        dir="ltr"
        onChange={(event) => onChange({ name: event.target.value })}
      />
      <SelectField
        label="Kind"
        value={value.type}
        options={valueTypes}
        onChange={(event) =>
          onChange({ type: event.target.value as ToolParameter["type"], rest: {} })
        }
      />
      <IconButton
        icon="trash"
        label={`Remove ${value.name || "this value"}`}
        className="mb-0.5 self-end"
        onClick={onRemove}
      />
      <TextField
        label="What it is"
        className="col-span-2 sm:col-span-3"
        value={value.description}
        maxLength={300}
        placeholder="The number on the receipt"
        onChange={(event) => onChange({ description: event.target.value })}
      />
      <label
        htmlFor={requiredId}
        className="flex items-center gap-2 text-14 col-span-2 sm:col-span-3"
      >
        <input
          id={requiredId}
          type="checkbox"
          className="size-4 accent-action"
          checked={value.isRequired}
          onChange={(event) => onChange({ isRequired: event.target.checked })}
        />
        Always needed
      </label>
    </div>
  )
}

/** A field for each value of a tool, for trying it out. */
export function TrialFields({ parameters }: { parameters: ToolParameters }) {
  const entries = Object.entries(parameters.properties)
  if (entries.length === 0) return <p className="text-14 text-quiet">It needs no values.</p>
  return entries.map(([name, { type, description, enum: options, ...bounds }]) => {
    const isRequired = parameters.required.includes(name)
    const shared = { label: name, name, hint: description, required: isRequired }
    const choices = type === "boolean" ? ["true", "false"] : options
    if (choices)
      return (
        <SelectField
          key={name}
          {...shared}
          options={[
            ...(isRequired ? [] : [{ value: "", label: "–" }]),
            ...choices.map((value) => ({ value, label: labelOf(type, value) })),
          ]}
        />
      )
    return (
      <TextField
        key={name}
        {...shared}
        dir="auto"
        {...(type === "string"
          ? { maxLength: bounds.maxLength ?? 500 }
          : { type: "number", step: type === "integer" ? 1 : "any" })}
        {...(bounds.minimum === undefined ? {} : { min: bounds.minimum })}
        {...(bounds.maximum === undefined ? {} : { max: bounds.maximum })}
      />
    )
  })
}

function labelOf(type: ToolParameter["type"], value: string): string {
  return type === "boolean" ? (value === "true" ? "Yes" : "No") : value
}

/** What was typed into `TrialFields`, as the tool takes it. */
export function readTrialValues(parameters: ToolParameters, form: FormData) {
  const values: Record<string, string | number | boolean> = {}
  for (const [name, { type }] of Object.entries(parameters.properties)) {
    const text = String(form.get(name) ?? "")
    if (text === "") continue
    values[name] = type === "string" ? text : type === "boolean" ? text === "true" : Number(text)
  }
  return values
}
