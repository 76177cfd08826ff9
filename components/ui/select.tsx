"use client"

import type { ComponentProps, ReactNode } from "react"
import { joinClasses } from "./class-names.ts"
import { controlClasses, Field } from "./field.tsx"
import { Icon } from "./icon.tsx"

type SelectFieldProps = Omit<ComponentProps<"select">, "children"> & {
  label: string
  options: readonly { value: string; label: string }[]
  hint?: ReactNode
  error?: string | undefined
  isLabelHidden?: boolean
}

/** The browser's own list: on a phone it opens the wheel people know, and it needs no script. */
export function SelectField({
  label,
  options,
  hint,
  error,
  isLabelHidden,
  className,
  ...select
}: SelectFieldProps) {
  return (
    <Field
      label={label}
      hint={hint}
      error={error}
      isLabelHidden={isLabelHidden ?? false}
      className={className ?? ""}
    >
      {(control) => (
        <span className="relative block">
          <select
            {...control}
            {...select}
            className={joinClasses(controlClasses, "appearance-none pe-9")}
          >
            {options.map((option) => (
              <option key={option.value} value={option.value}>
                {option.label}
              </option>
            ))}
          </select>
          <Icon
            name="chevron"
            size={18}
            className="pointer-events-none absolute inset-y-0 end-2.5 my-auto text-quiet"
          />
        </span>
      )}
    </Field>
  )
}
