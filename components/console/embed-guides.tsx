"use client"

import { Card } from "#components/ui/card.tsx"
import { Tabs } from "#components/ui/tabs.tsx"

const guides: readonly { value: string; label: string; steps: readonly string[] }[] = [
  {
    value: "html",
    label: "Plain HTML",
    steps: [
      "Open the file of your page, or the template all pages share.",
      "Paste the line just before </body>.",
      "Save and upload it. The button appears on the next visit.",
    ],
  },
  {
    value: "wordpress",
    label: "WordPress",
    steps: [
      "Install a plugin that adds code to the footer, such as WPCode, and open its “Header & Footer” page.",
      "Paste the line into the Footer box and save.",
      "If a cache plugin is active, empty its cache once.",
    ],
  },
  {
    value: "shopify",
    label: "Shopify",
    steps: [
      "Go to Online Store, Themes, then “Edit code” in the menu of your theme.",
      "Open layout/theme.liquid and paste the line just before </body>.",
      "Save. Allow both your own domain and the myshopify.com address if visitors use both.",
    ],
  },
  {
    value: "wix",
    label: "Wix",
    steps: [
      "Go to Settings, then Custom Code under Advanced.",
      "Add custom code, paste the line, choose “All pages” and “Body – end”.",
      "Apply. Custom code needs a site with its own domain.",
    ],
  },
]

/** Where the line goes, for the four ways most websites are made. */
export function EmbedGuides() {
  return (
    <Card title="Where to paste it">
      <Tabs
        label="Your website is made with"
        tabs={guides.map(({ value, label, steps }) => ({
          value,
          label,
          content: (
            <ol className="flex list-decimal flex-col gap-2 ps-5 marker:text-quiet">
              {steps.map((step) => (
                <li key={step}>{step}</li>
              ))}
            </ol>
          ),
        }))}
      />
      <p className="mt-4 text-13 text-quiet">
        If your website sets a content security policy, add our address to script-src, connect-src
        and frame-src.
      </p>
    </Card>
  )
}
