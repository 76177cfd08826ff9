"use client"

import type { ComponentProps, ReactNode } from "react"
import { joinClasses } from "./class-names.ts"
import { controlClasses, Field } from "./field.tsx"

type TextAreaFieldProps = ComponentProps<"textarea"> & {
  label: string
  hint?: ReactNode
  error?: string | undefined
  isLabelHidden?: boolean
}

/** Several lines; grows with its content where the browser can. */
export function TextAreaField({
  label,
  hint,
  error,
  isLabelHidden,
  className,
  rows = 4,
  ...input
}: TextAreaFieldProps) {
  return (
    <Field
      label={label}
      hint={hint}
      error={error}
      isLabelHidden={isLabelHidden ?? false}
      className={className ?? ""}
    >
      {(control) => (
        <textarea
          {...control}
          {...input}
          rows={rows}
          // With field-sizing the rows are only a wish: the height they stand for is kept as the least.
          style={{ minHeight: `calc(${rows} * 1.375rem + 1.125rem)` }}
          className={joinClasses(controlClasses, "field-sizing-content max-h-96 resize-y")}
        />
      )}
    </Field>
  )
}
