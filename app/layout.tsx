import type { Metadata, Viewport } from "next"
import { connection } from "next/server"
import type { ReactNode } from "react"
import { fraunces, inter, interExtended } from "./fonts.ts"
import "./globals.css"

export const metadata: Metadata = {
  title: { default: "Coatcheck", template: "%s · Coatcheck" },
  description:
    "An assistant on your website with one line of HTML. It answers from your own documents, and every secret stays off your pages.",
}

export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#fcfaf6" },
    { media: "(prefers-color-scheme: dark)", color: "#121418" },
  ],
}

export default async function RootLayout({ children }: { children: ReactNode }) {
  // Each answer carries its own script nonce: a page rendered at build time would have none and stay dead.
  await connection()
  return (
    <html lang="en" className={`${inter.variable} ${interExtended.variable} ${fraunces.variable}`}>
      <body className="min-h-dvh antialiased">{children}</body>
    </html>
  )
}
