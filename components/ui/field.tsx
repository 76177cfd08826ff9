"use client"

import { type ComponentProps, type ReactNode, useId } from "react"
import { joinClasses } from "./class-names.ts"

export const controlClasses = joinClasses(
  "block w-full rounded-control border border-edge bg-card text-ink text-14 px-3 py-2 min-h-9",
  "pointer-coarse:min-h-11 pointer-coarse:text-16",
  "aria-invalid:border-danger disabled:opacity-60 disabled:bg-sunken",
)

export type ControlProps = {
  id: string
  "aria-describedby": string | undefined
  "aria-invalid": true | undefined
}

type FieldProps = {
  label: string
  hint?: ReactNode
  error?: string | undefined
  /** For forms whose heading already says it; screen readers still get the label. */
  isLabelHidden?: boolean
  className?: string
  children: (control: ControlProps) => ReactNode
}

/** Label, hint and error around one control, tied together for screen readers. */
export function Field({ label, hint, error, isLabelHidden, className, children }: FieldProps) {
  const id = useId()
  const described = [hint ? `${id}-hint` : null, error ? `${id}-error` : null].filter(Boolean)
  return (
    <div className={joinClasses("flex flex-col gap-1.5", className)}>
      <label htmlFor={id} className={isLabelHidden ? "sr-only" : "text-14 font-medium"}>
        {label}
      </label>
      {children({
        id,
        "aria-describedby": described.length > 0 ? described.join(" ") : undefined,
        "aria-invalid": error ? true : undefined,
      })}
      {hint ? (
        <p id={`${id}-hint`} className="text-13 text-quiet">
          {hint}
        </p>
      ) : null}
      {error ? (
        <p id={`${id}-error`} role="alert" className="text-13 font-medium text-danger">
          {error}
        </p>
      ) : null}
    </div>
  )
}

type Around = Pick<FieldProps, "label" | "hint" | "error" | "isLabelHidden">

/** One line of text. Uncontrolled by default, so a failed save never loses what was typed. */
export function TextField({
  label,
  hint,
  error,
  isLabelHidden,
  className,
  ...input
}: Around & ComponentProps<"input">) {
  return (
    <Field
      label={label}
      hint={hint}
      error={error}
      isLabelHidden={isLabelHidden ?? false}
      className={className ?? ""}
    >
      {(control) => <input {...control} {...input} className={controlClasses} />}
    </Field>
  )
}
