import { ButtonLink } from "#components/ui/button.tsx"
import { CopyButton } from "#components/ui/copy-button.tsx"
import { Icon } from "#components/ui/icon.tsx"
import { KeyTag } from "#components/ui/tag.tsx"
import { env } from "#lib/env.ts"
import { DemoBot } from "./_components/demo-bot.tsx"
import { PanelDrawing } from "./_components/panel-drawing.tsx"
import { openDemo } from "./actions.ts"

const counter = [
  {
    number: "1",
    name: "The tag",
    text: "A short code in your page. Everyone can see it, and alone it opens nothing: not your documents, not your settings, not anybody’s conversation.",
    span: "Stays for as long as you like",
  },
  {
    number: "2",
    name: "The ticket",
    text: "When a visitor opens the chat, their browser shows the tag at our counter. We look at which website it comes from. If you allowed that one, we hand over a ticket.",
    span: "Good for one minute, once",
  },
  {
    number: "3",
    name: "The pass",
    text: "The ticket buys a pass: one assistant, one visitor. It is kept inside the sealed chat frame, where even your own page can’t reach it.",
    span: "Good for a few minutes",
  },
] as const

const promises = [
  [
    "No secret on your pages",
    "What you paste is a tag, not a password. The keys that matter never leave our side.",
  ],
  [
    "One switch stops it",
    "Each website gets its own tag. Switch it off and the very next message is refused, on every open chat.",
  ],
  ["Passes run out", "A pass lasts minutes and works for one customer’s assistant only."],
  [
    "It can’t be drained",
    "Tags can be shown only so often, messages a day are counted, and the limits are yours to set.",
  ],
  [
    "A sealed frame",
    "The chat runs in a frame of its own. The page around it can’t read it or dress it up.",
  ],
  [
    "Your documents stay yours",
    "Every record is tied to its owner twice, and the database itself refuses to mix them up.",
  ],
] as const

export default function LandingPage() {
  const line = `<script async src="${env.WIDGET_URL}/embed.js" data-key="pk_live_…"></script>`
  return (
    <>
      <section className="grid items-start gap-12 pt-10 sm:pt-16 lg:grid-cols-[1fr_25rem] lg:gap-16">
        <div className="lg:pt-10">
          <h1 className="max-w-xl font-serif text-28 font-medium text-balance sm:text-44">
            Put an assistant on your website. Leave your secrets off it.
          </h1>
          <p className="mt-5 max-w-lg text-16 text-quiet">
            Give Coatcheck your documents and paste one line of HTML. Visitors ask, and get an
            answer with its source beside it. You read every conversation, and one switch stops it.
          </p>
          <div className="mt-8 flex flex-wrap gap-3">
            <ButtonLink href="/sign-up" look="action">
              Create your assistant
            </ButtonLink>
            <ButtonLink href="#how" look="quiet">
              How it works
            </ButtonLink>
          </div>
        </div>
        {env.DEMO ? (
          <DemoBot widgetUrl={env.WIDGET_URL} openDemo={openDemo}>
            <PanelDrawing />
          </DemoBot>
        ) : (
          <figure className="mx-auto w-full max-w-[25rem]">
            <PanelDrawing />
            <figcaption className="mt-3 text-center text-13 text-quiet">
              What a visitor sees: the answer, and the pages it came from.
            </figcaption>
          </figure>
        )}
      </section>

      <section aria-labelledby="line" className="mt-24">
        <h2 id="line" className="font-serif text-28 font-medium">
          One line, on any website
        </h2>
        <p className="mt-2 max-w-prose text-16 text-quiet">
          Paste it once, before the end of the page. WordPress, Shopify, Wix or plain HTML.
        </p>
        <div className="mt-5 flex flex-wrap items-center gap-3 rounded-card border border-hairline bg-card p-4">
          <code dir="ltr" className="min-w-0 flex-1 basis-64 font-mono text-13 wrap-anywhere">
            {line}
          </code>
          <CopyButton text={line} size="small" />
        </div>
      </section>

      <section aria-labelledby="how" className="mt-24">
        <h2 id="how" className="scroll-mt-6 font-serif text-28 font-medium">
          Works like a good cloakroom
        </h2>
        <ol className="mt-6 grid gap-4 md:grid-cols-3">
          {counter.map((step) => (
            <li
              key={step.name}
              className="flex flex-col rounded-card border border-hairline bg-card p-5"
            >
              <span className="flex items-center gap-3 self-start rounded-tag border border-brass bg-brass-tint py-1 ps-2.5 pe-3.5 text-brass-ink">
                <span
                  aria-hidden="true"
                  className="size-3 rounded-full border-2 border-brass bg-card"
                />
                <span className="text-16 font-semibold tabular-nums">{step.number}</span>
              </span>
              <h3 className="mt-4 text-16 font-semibold">{step.name}</h3>
              <p className="mt-1 flex-1 text-14 text-quiet">{step.text}</p>
              <p className="mt-4 border-t border-hairline pt-3 text-13 font-medium">{step.span}</p>
            </li>
          ))}
        </ol>
      </section>

      <section aria-labelledby="safe" className="mt-24 grid gap-10 lg:grid-cols-[1fr_2fr]">
        <div>
          <h2 id="safe" className="scroll-mt-6 font-serif text-28 font-medium">
            Is it safe?
          </h2>
          <p className="mt-2 text-16 text-quiet">
            Six promises. Each one has a test that fails the day we break it.
          </p>
          <div className="mt-6" aria-hidden="true">
            <KeyTag lastFour="7d41" name="Your website" isOn note="A tag, as you will see it">
              <span className="relative inline-flex h-6 w-10 rounded-full bg-action">
                <span className="absolute end-[3px] top-1 size-4 rounded-full bg-on-action" />
              </span>
            </KeyTag>
          </div>
        </div>
        <dl className="grid gap-x-8 gap-y-6 sm:grid-cols-2">
          {promises.map(([title, text]) => (
            <div key={title}>
              <dt className="flex items-start gap-2 font-semibold">
                <Icon name="check" className="mt-px text-action" />
                {title}
              </dt>
              <dd className="mt-1 ps-7 text-quiet">{text}</dd>
            </div>
          ))}
        </dl>
      </section>

      <section
        aria-labelledby="honest"
        className="mt-12 grid gap-x-10 gap-y-2 border-t border-hairline pt-8 lg:grid-cols-[1fr_2fr]"
      >
        <h2 id="honest" className="text-16 font-semibold">
          And what nobody can promise
        </h2>
        <p className="max-w-prose text-quiet">
          A program can pretend to be a visitor on your website; limits keep that cheap and short.
          Whoever may ask your assistant can learn what is in its documents, so give it only what
          you would show a visitor. If you connect a language model, its provider sees the
          questions.
        </p>
      </section>

      <section className="mt-24 flex flex-col items-start gap-5 sm:flex-row sm:items-center sm:justify-between">
        <h2 className="max-w-lg font-serif text-28 font-medium text-balance">
          Live on your website in five short steps.
        </h2>
        <ButtonLink href="/sign-up" look="action">
          Create your assistant
        </ButtonLink>
      </section>
    </>
  )
}
