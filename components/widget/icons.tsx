import type { ComponentChildren } from "preact"

const stroke = (children: ComponentChildren) => (
  <svg
    viewBox="0 0 24 24"
    width="20"
    height="20"
    fill="none"
    stroke="currentColor"
    stroke-width="1.75"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    {children}
  </svg>
)

export const closeIcon = stroke(<path d="M6 6l12 12M18 6L6 18" />)
export const moreIcon = stroke(<path d="M5 12h.01M12 12h.01M19 12h.01" stroke-width="2.75" />)
export const sendIcon = stroke(<path d="M12 19V5M6 11l6-6 6 6" stroke-width="2.25" />)
export const stopIcon = stroke(<path d="M8 8h8v8H8z" fill="currentColor" />)
export const downIcon = stroke(<path d="M12 5v14M6 13l6 6 6-6" />)
export const outIcon = stroke(<path d="M9 6h9v9M18 6L7 17" />)
export const eraseIcon = stroke(
  <path d="M5 7h14M10 7V5h4v2M7 7l.8 11.2a1 1 0 0 0 1 .8h6.4a1 1 0 0 0 1-.8L17 7M10.5 11v4.5M13.5 11v4.5" />,
)
export const checkIcon = stroke(<path d="M5 12.5l4.5 4.5L19 7.5" />)
const thumb =
  "M7 11v8H4.5a.5.5 0 0 1-.5-.5v-7a.5.5 0 0 1 .5-.5H7zm0 0l3.6-6.6a.8.8 0 0 1 .7-.4c1.2 0 2 1 1.8 2.2L12.6 9.5h5a1.8 1.8 0 0 1 1.75 2.2l-1.25 5.7A2 2 0 0 1 16.15 19H7"
export const upIcon = stroke(<path d={thumb} />)
export const thumbDownIcon = stroke(<path d={thumb} transform="rotate(180 12 12)" />)
