/**
 * Source of public/embed.js: `<script async src="https://HOST/embed.js" data-key="pk_…"></script>`.
 * Runs inside a page we don't own: it keeps no secret, stores nothing, throws nothing into the page,
 * and shows nothing unless the key is live. The ticket it buys goes to our iframe and nowhere else.
 * Every byte counts here (budget: 2,000 after brotli), so it depends on the contrast rule alone.
 */
import { fillFor } from "./contrast.ts"
import type { FrameMessage, Look, PageFacts, PageMessage, TicketAnswer } from "./protocol.ts"

type Verb = "open" | "close" | "destroy"
type Instance = Record<Verb, () => void>
/** `Coatcheck.open()` means the page's first key; with several, `Coatcheck.open("pk_…")`. */
type Api = Record<Verb, (key?: string) => void> & Record<string, Instance | undefined>

/** How far the frame is, and the class that shows it: waiting, open for business, failed. */
type Stage = "w" | "o" | "x"

// l launcher, i its icon, p panel, m notice, s left-hand side, u unread answer. The build strips the line breaks.
const styles = `
:host{all:initial!important;display:contents!important}
*{box-sizing:border-box}
.l,.p,.m{position:fixed;z-index:99999998;inset:auto 16px 16px auto;border:0;border-radius:28px;box-shadow:0 4px 16px #0004;background:inherit;color:inherit;font:600 15px system-ui;cursor:pointer}
.s>*{inset:auto auto 16px 16px}
.l{display:flex;align-items:center;gap:8px;height:56px;padding:16px;max-width:90vw}
.m{bottom:84px;padding:16px}
.p{z-index:99999999;width:400px;height:min(640px,100dvh - 32px);border-radius:16px;background:canvas;color-scheme:light dark}
.p,.m,.o .l{visibility:hidden}
.o .p,.x .m{visibility:visible}
.w .l{opacity:.7}
.u i{box-shadow:12px -12px 0-6px red}
i{width:24px;height:20px;border-radius:10px 10px 10px 2px;background:radial-gradient(circle,#0000 1.5px,currentColor 2px)0/8px}
button:focus-visible{outline:2px solid #fff;box-shadow:0 0 0 5px #111}
@media(max-width:479px){.p{inset:0!important;width:100%;height:100dvh;border-radius:0;padding:env(safe-area-inset-top) 0 env(safe-area-inset-bottom)}}`

/** The only words of the loader itself, on the button that appears when the frame stays silent. */
const sorry: Record<string, string> = {
  en: "Chat unavailable",
  de: "Chat nicht verfügbar",
  fr: "Chat indisponible",
  es: "Chat no disponible",
  tr: "Sohbet kapalı",
  ar: "المحادثة غير متاحة",
}

function start(script: HTMLScriptElement, key: string, forget: () => void): Instance {
  const doc = document
  const page = doc.documentElement
  const server = new URL(script.src).origin
  const { bot: botId } = script.dataset
  // As written: whatever is not a key or a bot of ours is a dead key to the server.
  const query = `?key=${key}&botId=${botId || ""}`
  const make = <Tag extends keyof HTMLElementTagNameMap>(tag: Tag, props: object) =>
    Object.assign(doc.createElement(tag), props)
  const host = doc.createElement("coatcheck-widget")
  const box = make("div", {})
  let launcher: HTMLButtonElement
  let look: Look | undefined
  let frame: HTMLIFrameElement | undefined
  let port: MessagePort | undefined
  let bought: Promise<TicketAnswer> | undefined
  let timer: ReturnType<typeof setTimeout>
  let isWanted = false
  let stage: Stage = "w"
  let guardTimer: ReturnType<typeof setTimeout>
  let isGone = false

  /** One fresh ticket. The body is a plain string, so no preflight. Never rejects. */
  const buyTicket = (): Promise<TicketAnswer> =>
    fetch(`${server}/api/embed/ticket`, {
      method: "POST",
      credentials: "omit",
      body: JSON.stringify({ key, botId }),
    })
      .then(async (answer) => ({ ...(await answer.json()), status: answer.status }))
      .catch(() => ({ status: 0 }))

  const describePage = (): PageFacts => ({
    url: location.origin + location.pathname,
    title: `${doc.title}`,
    language: page.lang || navigator.language,
  })

  const tell = (message: PageMessage) => port?.postMessage(message)

  const show = (closed = "") => {
    const isOpen = isWanted && stage === "o"
    box.className = `${look!.position === "left" ? "s " : ""}${isWanted ? stage : closed}`
    launcher.ariaExpanded = `${isOpen}`
    if (isOpen) frame!.focus()
    tell({ type: isOpen ? "open" : "closed" })
  }

  const unload = () => {
    clearTimeout(timer)
    frame?.remove()
    frame = undefined
    stage = "w"
  }

  /** Intent: the ticket and the frame start together, so that the click finds both ready. */
  const load = () => {
    if (frame) return
    bought = buyTicket()
    frame = make("iframe", {
      className: "p",
      title: look!.name,
      sandbox:
        "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox",
      // The fragment only tells the frame where to address its first, empty message.
      src: `${server}/embed${query}#${location.origin}`,
    })
    box.append(frame)
    // A refused frame still fires `load`: only silence (of 8 seconds) tells.
    timer = setTimeout(() => {
      stage = "x"
      show()
    }, 8e3)
  }

  const open = () => {
    isWanted = true
    if (!look) return
    if (stage === "x") unload()
    load()
    show()
  }

  const close = () => {
    if (!isWanted) return
    isWanted = false
    show()
    launcher.focus()
  }

  const listen = ({ data, source, origin }: MessageEvent) => {
    const target = frame?.contentWindow
    if (!target || source !== target || origin !== server || data?.type !== "coatcheck:ready")
      return
    const ticket = bought ?? buyTicket()
    bought = undefined
    ticket.then((answer) => {
      if (target !== frame?.contentWindow) return
      clearTimeout(timer)
      const channel = new MessageChannel()
      port = channel.port1
      port.onmessage = ({ data: { type } }: MessageEvent<FrameMessage>) => {
        if (type === "close") close()
        else if (type === "unread") show("u")
        else buyTicket().then((renewed) => tell({ ...renewed, type, page: describePage() }))
      }
      target.postMessage(
        { ...answer, type: "coatcheck:ticket", page: describePage(), look },
        server,
        [channel.port2],
      )
      stage = "o"
      show()
    })
  }

  /** Beside <body>, not in it: routers that swap the body leave it alone. Others get it back. */
  const guard = () => {
    if (!host.isConnected) {
      unload()
      doc.documentElement.append(host)
      if (isWanted) open()
      else show()
    }
    guardTimer = setTimeout(guard, 2e3)
  }

  const draw = () => {
    const { color, label, locale, name } = look!
    const { fill, ink } = fillFor(color)
    const words = sorry[(locale || page.lang || navigator.language).slice(0, 2)] ?? sorry.en
    launcher = make("button", {
      className: "l",
      ariaLabel: label || name,
      onclick: () => (isWanted ? close() : open()),
      onpointerenter: load,
      onfocus: load,
    })
    launcher.append(make("i", {}), label ?? "")
    box.append(
      make("button", { className: "m", textContent: `${words} ↻`, onclick: open }),
      launcher,
    )
    // Set through CSSOM: an owner's "colour" can be ignored, never end a rule.
    Object.assign(box, {
      style: `background:${fill};color:${ink}`,
      dir: "auto",
      ariaLive: "polite",
      // A block: a handler that returns false would cancel every key, Enter included.
      onkeydown: (event: KeyboardEvent) => {
        if (event.key === "Escape") close()
      },
    })
    const root = host.attachShadow({ mode: "closed" })
    // A constructed sheet is allowed by a host page's CSP where a <style> is not.
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(styles)
    root.adoptedStyleSheets = [sheet]
    root.append(box)
    addEventListener("message", listen)
    guard()
  }

  fetch(`${server}/api/embed/config${query}`)
    .then((answer) => answer.json())
    .then((answer: Look) => {
      if (isGone || !answer.enabled) return
      look = answer
      draw()
    })
    .catch(() => {})

  return {
    open,
    close,
    destroy() {
      isGone = true
      clearTimeout(guardTimer)
      removeEventListener("message", listen)
      unload()
      host.remove()
      forget()
    },
  }
}

try {
  const script = document.currentScript
  // A clobbered `currentScript` is some other element: then there is nothing to trust.
  if (script instanceof HTMLScriptElement) {
    const { key } = script.dataset
    const page = window as unknown as { Coatcheck?: Api }
    const api: Api = Object(page.Coatcheck)
    page.Coatcheck = api
    if (key && !api[key]) {
      api[key] = start(script, key, () => delete api[key])
      for (const verb of ["open", "close", "destroy"] as const)
        api[verb] ??= (other = key) => (api[other] as Instance | undefined)?.[verb]()
    }
  }
} catch {}
