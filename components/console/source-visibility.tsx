"use client"

import { MenuItem, MenuLabel } from "#components/ui/menu.tsx"
import type { Visibility } from "#lib/knowledge/schema.ts"

const choices = [
  { value: "link", label: "Title, passage and link" },
  { value: "title", label: "Title and passage, no link" },
  { value: "hidden", label: "Nothing (it still answers)" },
] as const

/** What an owner reads beside a source that does not show everything. */
export const visibilityNotes: Record<Visibility, string> = {
  link: "shown with its link",
  title: "shown without its link",
  hidden: "hidden from visitors",
}

/** What visitors see of a source under an answer, as a part of its menu. */
export function VisibilityItems({
  current,
  onChoose,
}: {
  current: Visibility
  onChoose: (visibility: Visibility) => void
}) {
  return (
    <>
      <MenuLabel>Under an answer visitors see</MenuLabel>
      {choices.map(({ value, label }) => (
        <MenuItem
          key={value}
          isCurrent={value === current}
          onSelect={() => {
            if (value !== current) onChoose(value)
          }}
        >
          {label}
        </MenuItem>
      ))}
    </>
  )
}
