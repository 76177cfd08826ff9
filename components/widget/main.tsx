import { render } from "preact"
import { App } from "./app.tsx"
import { openBridge } from "./bridge.ts"
import { createChat } from "./chat.ts"
import { createClient } from "./client.ts"
import { createVisitorMemory } from "./visitor.ts"
import "./widget.css"

const bootstrap: { keyId: string; parentOrigin?: string } = JSON.parse(
  document.getElementById("bootstrap")!.textContent!,
)

const bridge = openBridge(bootstrap.parentOrigin)
const memory = createVisitorMemory(bootstrap.keyId)
const client = createClient({
  bridge,
  memory,
  isWatched: () => bridge.isOpen() && document.visibilityState === "visible",
})
const chat = createChat(client, memory)

let pageLanguage: string | undefined
bridge.first.then(({ look, page }) => {
  pageLanguage = page.language
  if (look) chat.setLook({ ...look })
})
chat.connect()

render(
  <App
    chat={chat}
    bridge={bridge}
    pageLanguage={() => pageLanguage}
    canClose={!bootstrap.parentOrigin}
  />,
  document.getElementById("chat")!,
)
