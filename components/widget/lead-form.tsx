import { useState } from "preact/hooks"
import type { Chat } from "./chat.ts"
import { checkIcon } from "./icons.tsx"
import type { Texts } from "./texts.ts"
import { toTrouble } from "./trouble.ts"

/** Name, a way to answer, and the question, which is already filled in. Keeps what was typed. */
export function LeadForm({
  chat,
  texts,
  question,
}: {
  chat: Chat
  texts: Texts
  question: string
}) {
  const [stage, setStage] = useState<"offered" | "typing" | "sending" | "sent">("offered")
  const [problem, setProblem] = useState("")

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const data = new FormData(event.currentTarget as HTMLFormElement)
    const read = (name: string) => String(data.get(name) ?? "").trim()
    const [email, phone] = [read("email"), read("phone")]
    if (!email && !phone) return setProblem(texts.contactNeeded)
    setStage("sending")
    setProblem("")
    try {
      await chat.leave({
        name: read("name"),
        message: read("message"),
        ...(email && { email }),
        ...(phone && { phone }),
      })
      setStage("sent")
    } catch (error) {
      const { kind, detail } = toTrouble(error)
      setProblem(kind === "invalid" && detail ? detail : texts.notStored)
      setStage("typing")
    }
  }

  if (stage === "sent") {
    return (
      <p class="lead sent" role="status">
        {checkIcon}
        {texts.leadThanks}
      </p>
    )
  }
  if (stage === "offered") {
    return (
      <div class="lead">
        <h2>{texts.leadTitle}</h2>
        <p>{texts.leadText}</p>
        <button type="button" class="button" onClick={() => setStage("typing")}>
          {texts.leaveDetails}
        </button>
      </div>
    )
  }
  return (
    <form class="lead" onSubmit={submit} ref={focusFirst}>
      <h2>{texts.leadTitle}</h2>
      <Field label={texts.name} name="name" autocomplete="name" isRequired />
      <Field label={texts.email} name="email" type="email" autocomplete="email" />
      <Field label={texts.phone} name="phone" type="tel" autocomplete="tel" />
      <label>
        {texts.message}
        <textarea name="message" rows={2} required maxLength={2000} dir="auto">
          {question}
        </textarea>
      </label>
      {problem && <p role="alert">{problem}</p>}
      <button type="submit" class="button primary" disabled={stage === "sending"}>
        {texts.sendDetails}
      </button>
    </form>
  )
}

/** The visitor has just asked for this form: its first field is where they want to be. */
const focusFirst = (form: HTMLFormElement | null) => form?.querySelector("input")?.focus()

function Field({
  label,
  name,
  type = "text",
  autocomplete,
  isRequired = false,
}: {
  label: string
  name: string
  type?: "text" | "email" | "tel"
  autocomplete: string
  isRequired?: boolean
}) {
  return (
    <label>
      {label}
      <input
        name={name}
        type={type}
        list={undefined}
        autocomplete={autocomplete}
        required={isRequired}
        maxLength={200}
        dir="auto"
      />
    </label>
  )
}
