"use client"

import { useState } from "react"
import { TextField } from "#components/ui/field.tsx"
import { Notice } from "#components/ui/notice.tsx"
import { SelectField } from "#components/ui/select.tsx"
import { TextAreaField } from "#components/ui/textarea.tsx"
import type { AddedPages, CrawlView, Schedule, SourceView } from "#lib/knowledge/schema.ts"
import type { Command } from "./command.ts"
import { formatNumber } from "./format.ts"
import { SourceForm } from "./source-form.tsx"

export type AddPagesCommand = Command<
  { botId: string; urls: string; schedule: Schedule },
  AddedPages
>
export type AddSiteCommand = Command<
  { botId: string; url: string; schedule: Schedule; exclude: string[] },
  CrawlView
>

export const scheduleOptions = [
  { value: "never", label: "Only now" },
  { value: "weekly", label: "Every week" },
  { value: "daily", label: "Every day" },
] as const

/** What a menu offers to do about a schedule. */
export function describeSchedule(schedule: Schedule): string {
  if (schedule === "never") return "Stop reading it regularly"
  return schedule === "daily" ? "Read it every day" : "Read it every week"
}

const readSchedule = (values: FormData) => String(values.get("schedule")) as Schedule

type PagesFormProps = {
  botId: string
  add: AddPagesCommand
  onAdded: ((source: SourceView) => void) | undefined
}

/** Web pages by their addresses. */
export function PagesForm({ botId, add, onAdded }: PagesFormProps) {
  const [refused, setRefused] = useState<AddedPages["refused"]>([])
  return (
    <SourceForm
      add={add}
      fields={["urls"]}
      read={(values) => ({
        botId,
        urls: String(values.get("urls")),
        schedule: readSchedule(values),
      })}
      verb="Read these pages"
      doneMessage={({ added }) =>
        added.length === 1
          ? "Added. The page is being read now."
          : `${formatNumber(added.length, "page")} added. They are being read now.`
      }
      keeps={(done) => done.refused.length > 0}
      onDone={(done) => {
        setRefused(done.refused)
        for (const source of done.added) onAdded?.(source)
      }}
    >
      {(issue) => (
        <>
          {refused.length > 0 ? (
            <Notice
              tone="waiting"
              title={`${formatNumber(refused.length, "address", "addresses")} left out`}
            >
              <ul>
                {refused.slice(0, 8).map(({ url, reason }) => (
                  <li key={url}>
                    <bdi dir="ltr" className="wrap-anywhere">
                      {url}
                    </bdi>
                    : {reason}
                  </li>
                ))}
              </ul>
            </Notice>
          ) : null}
          <TextAreaField
            label="Addresses of pages, one per line"
            name="urls"
            rows={3}
            required
            inputMode="url"
            placeholder="https://www.example.com/help"
            dir="ltr"
            hint="Pages that everyone can see. Only their text is read, without menus and footers."
            error={issue("urls")}
          />
          <SelectField
            label="Read them again"
            name="schedule"
            options={scheduleOptions}
            hint="A page that has not changed stays as it is."
          />
        </>
      )}
    </SourceForm>
  )
}

/** A whole website: its own pages, from one address on. */
export function SiteForm({ botId, add }: { botId: string; add: AddSiteCommand }) {
  return (
    <SourceForm
      add={add}
      fields={["url"]}
      read={(values) => ({
        botId,
        url: String(values.get("url")),
        schedule: readSchedule(values),
        exclude: readPaths(String(values.get("exclude"))),
      })}
      verb="Read this website"
      doneMessage="Added. The website is being read now."
    >
      {(issue) => (
        <>
          <TextField
            label="Address of the website"
            name="url"
            required
            maxLength={2000}
            inputMode="url"
            placeholder="https://www.example.com"
            dir="ltr"
            hint="Your own website. Up to 200 of its pages are read; links to other websites are not followed."
            error={issue("url")}
          />
          <SelectField
            label="Read it again"
            name="schedule"
            options={scheduleOptions}
            hint="Only pages that changed are learned anew."
          />
          <TextAreaField
            label="Parts to leave out"
            name="exclude"
            rows={2}
            placeholder="/blog"
            dir="ltr"
            hint="Optional. One path per line, such as /blog: it is left out with everything below it."
          />
        </>
      )}
    </SourceForm>
  )
}

/** One path per line. */
export const readPaths = (text: string) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
