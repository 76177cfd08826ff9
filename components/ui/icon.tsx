/** Drawn on a 20 × 20 grid with a 1.5 stroke, so that every icon on a screen has one weight. */
const paths = {
  alert:
    "M10 6.5v4.2M10 13.4v.1M8.7 3.3 2.5 14.2a1.5 1.5 0 0 0 1.3 2.3h12.4a1.5 1.5 0 0 0 1.3-2.3L11.3 3.3a1.5 1.5 0 0 0-2.6 0Z",
  arrow: "M4 10h12M11.5 5.5 16 10l-4.5 4.5",
  back: "M16 10H4M8.5 5.5 4 10l4.5 4.5",
  book: "M10 5.2C8.4 4 6.3 3.6 3.5 3.6v11.6c2.8 0 4.9.4 6.5 1.6 1.6-1.2 3.7-1.6 6.5-1.6V3.6c-2.8 0-4.9.4-6.5 1.6Zm0 0v11.6",
  bot: "M6.5 6.5h7a3 3 0 0 1 3 3v3a3 3 0 0 1-3 3h-7a3 3 0 0 1-3-3v-3a3 3 0 0 1 3-3ZM10 6.5V3.5M7.8 10.3v1.4M12.2 10.3v1.4",
  chart: "M3.5 16.5h13M6 13.5V9M10 13.5V4.5M14 13.5v-6",
  chat: "M4.5 4h11A1.5 1.5 0 0 1 17 5.5v7a1.5 1.5 0 0 1-1.5 1.5H9l-4 3v-3h-.5A1.5 1.5 0 0 1 3 12.5v-7A1.5 1.5 0 0 1 4.5 4Z",
  check: "m4.5 10.5 3.6 3.6 7.4-8.2",
  chevron: "m5.5 8 4.5 4.5L14.5 8",
  close: "m5.5 5.5 9 9M14.5 5.5l-9 9",
  code: "m7 6.5-4 3.5 4 3.5M13 6.5l4 3.5-4 3.5",
  copy: "M7.5 7.5h7.5a1 1 0 0 1 1 1V16a1 1 0 0 1-1 1H7.5a1 1 0 0 1-1-1V8.5a1 1 0 0 1 1-1ZM13.5 7.5V4a1 1 0 0 0-1-1H5a1 1 0 0 0-1 1v7.5a1 1 0 0 0 1 1h1.5",
  device: "M6.5 2.5h7a1 1 0 0 1 1 1v13a1 1 0 0 1-1 1h-7a1 1 0 0 1-1-1v-13a1 1 0 0 1 1-1ZM9 15h2",
  down: "M10 4v12M5.5 11.5 10 16l4.5-4.5",
  external: "M8 4.5H4.5v11h11V12M11 3.5h5.5V9M16.5 3.5 9.5 10.5",
  file: "M5.5 2.5h6l4 4v10a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1v-13a1 1 0 0 1 1-1ZM11.5 2.5v4h4",
  gear: "M3 6h6M13 6h4M3 14h3M10 14h7M11 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM8 16a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z",
  globe:
    "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM3 10h14M10 3c2 2 3 4.3 3 7s-1 5-3 7c-2-2-3-4.3-3-7s1-5 3-7Z",
  history: "M3.5 10A6.5 6.5 0 1 0 5.8 5M3.5 3.5V7H7M10 6.5V10l2.5 1.5",
  key: "M12.5 11.5a4 4 0 1 0-3.7-2.5L3 14.8V17h2.6v-1.8h1.8v-1.8h1.6l1.3-2.2c.7.2 1.4.3 2.2.3ZM13.3 6.8v-.1",
  menu: "M3.5 6h13M3.5 10h13M3.5 14h13",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  people:
    "M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2.5 16.5c0-3 2-4.5 5-4.5s5 1.5 5 4.5M13 3.8a3 3 0 0 1 0 5.4M14.5 12.3c1.9.5 3 1.9 3 4.2",
  phone:
    "M6.5 3h-2A1.5 1.5 0 0 0 3 4.6C3.5 11 9 16.5 15.4 17a1.5 1.5 0 0 0 1.6-1.5v-2l-3.5-1.5-1.5 1.5c-2-1-3.5-2.5-4.5-4.5L9 7.5 6.5 3Z",
  play: "M6 4.5v11l9-5.5-9-5.5Z",
  plus: "M10 4.5v11M4.5 10h11",
  question:
    "M7.5 7.8a2.5 2.5 0 1 1 3.7 2.2c-.8.4-1.2.9-1.2 1.7M10 14.3v.1M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15Z",
  retry: "M16.5 4v4h-4M16.3 8A6.5 6.5 0 1 0 16 12.5",
  search: "M9 15a6 6 0 1 0 0-12 6 6 0 0 0 0 12ZM13.5 13.5 17 17",
  send: "M10 16V4M5.5 8.5 10 4l4.5 4.5",
  text: "M4 5.5h12M4 10h12M4 14.5h7",
  thumbsDown:
    "M6.5 4v8M6.5 12l3 5c1.2 0 2-.7 2-2v-2.5h3.6a1.5 1.5 0 0 0 1.5-1.8l-1-5A1.5 1.5 0 0 0 14.1 4.5L6.5 4H4a.5.5 0 0 0-.5.5v7a.5.5 0 0 0 .5.5h2.5",
  thumbsUp:
    "M6.5 16V8M6.5 8l3-5c1.2 0 2 .7 2 2v2.5h3.6a1.5 1.5 0 0 1 1.5 1.8l-1 5a1.5 1.5 0 0 1-1.5 1.2L6.5 16H4a.5.5 0 0 1-.5-.5v-7A.5.5 0 0 1 4 8h2.5",
  trash:
    "M4 5.5h12M8 5.5V3.5h4v2M5.5 5.5l.7 10.5a1 1 0 0 0 1 1h5.6a1 1 0 0 0 1-1l.7-10.5M8.5 9v4.5M11.5 9v4.5",
  upload: "M10 13V3.5M6 7.5l4-4 4 4M3.5 13.5v2a1 1 0 0 0 1 1h11a1 1 0 0 0 1-1v-2",
} as const

export type IconName = keyof typeof paths

/** Decorative: the words beside it, or the button's label, carry the meaning. */
export function Icon({ name, size = 20, className }: IconProps) {
  return (
    <svg
      aria-hidden="true"
      viewBox="0 0 20 20"
      width={size}
      height={size}
      fill="none"
      stroke="currentColor"
      strokeWidth={name === "more" ? 2.4 : 1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
      className={`shrink-0 ${className ?? ""}`}
    >
      <path d={paths[name]} />
    </svg>
  )
}

type IconProps = { name: IconName; size?: number; className?: string }
