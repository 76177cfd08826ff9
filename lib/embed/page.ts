/**
 * The HTML of `GET /embed`. It holds nothing about the tenant: who may see it is decided by the
 * response's frame-ancestors, and the bot's look arrives with the session.
 */

/** Public facts the widget needs before it has a session. */
export type EmbedBootstrap = {
  /** The embed key's id (never the key): names the visitor secret in the iframe's own storage. */
  keyId: string
  /** Set with `via=ours` only: the console's origin, the one parent to speak to. */
  parentOrigin?: string
}

const escapeAttribute = (value: string) =>
  value.replace(/[&"<>]/g, (found) => `&#${found.charCodeAt(0)};`)

/** JSON that cannot close its own script element, whatever the values hold. */
const escapeJson = (value: unknown) =>
  JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )

const head = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1,interactive-widget=resizes-content">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
`

/**
 * The iframe's document. `nonce` goes on every script and style; `scriptPath` and `stylePath` come
 * from `readEmbedAssets`. The caller sets the CSP and `Cache-Control: no-store`.
 */
export function renderEmbedPage(options: {
  nonce: string
  scriptPath: string
  stylePath: string
  bootstrap: EmbedBootstrap
}): string {
  const nonce = escapeAttribute(options.nonce)
  return `${head}<title>Chat</title>
<link rel="stylesheet" nonce="${nonce}" href="${escapeAttribute(options.stylePath)}">
<script nonce="${nonce}" defer src="${escapeAttribute(options.scriptPath)}"></script>
</head>
<body>
<div id="chat"></div>
<script nonce="${nonce}" id="bootstrap" type="application/json">${escapeJson(options.bootstrap)}</script>
</body>
</html>
`
}

/** One same page for every key that is unknown, dead or not usable here: it says nothing. */
export function renderEmptyPage(): string {
  return `${head}<title></title>
</head>
<body></body>
</html>
`
}
