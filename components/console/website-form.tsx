"use client"

import { type FormEvent, useId, useRef, useState } from "react"
import { Button } from "#components/ui/button.tsx"
import { joinClasses } from "#components/ui/class-names.ts"
import { controlClasses } from "#components/ui/field.tsx"
import type { Outcome } from "./command.ts"
import { readWebsite } from "./website-address.ts"

type WebsiteFormProps = {
  /** Whether the tag it goes to is a test one; null when the form decides by the address. */
  isTest: boolean | null
  add: (address: string, needsTestTag: boolean) => Promise<Outcome<unknown>>
  isRunning: boolean
}

/** One address to allow. Says what is wrong before the server has to, and offers a better one. */
export function WebsiteForm({ isTest, add, isRunning }: WebsiteFormProps) {
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  const [message, setMessage] = useState<string | null>(null)
  const [suggestion, setSuggestion] = useState<string | null>(null)

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const reading = readWebsite(input.current?.value ?? "")
    setSuggestion(null)
    if (!reading.ok) {
      setMessage(reading.message)
      setSuggestion(reading.suggestion ?? null)
      return
    }
    if (isTest === false && reading.needsTestTag) {
      setMessage("That is a website on your own computer. Make a test tag for it.")
      return
    }
    setMessage(null)
    const outcome = await add(reading.address, reading.needsTestTag)
    if (outcome.ok) {
      if (input.current) input.current.value = ""
      return
    }
    const { issues, title, detail } = outcome.problem
    setMessage(issues?.[0]?.message ?? `${title} ${detail}`)
  }

  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-1.5">
      <label htmlFor={id} className="text-14 font-medium">
        Allow a website
      </label>
      <div className="flex flex-wrap gap-2">
        <input
          ref={input}
          id={id}
          type="url"
          inputMode="url"
          autoCapitalize="none"
          spellCheck={false}
          placeholder={isTest ? "http://localhost:3000" : "www.example.com"}
          aria-invalid={message ? true : undefined}
          aria-describedby={message ? `${id}-error` : undefined}
          className={joinClasses(controlClasses, "min-w-0 flex-1 basis-48")}
        />
        <Button type="submit" isBusy={isRunning} busyLabel="Allowing…">
          Allow
        </Button>
      </div>
      {message ? (
        <p id={`${id}-error`} role="alert" className="text-13 font-medium text-danger">
          {message}{" "}
          {suggestion ? (
            <button
              type="button"
              className="min-h-6 text-action underline underline-offset-2"
              onClick={() => {
                if (input.current) input.current.value = suggestion
                setMessage(null)
                setSuggestion(null)
                input.current?.focus()
              }}
            >
              Use {suggestion}
            </button>
          ) : null}
        </p>
      ) : null}
    </form>
  )
}
