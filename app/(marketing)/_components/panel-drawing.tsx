import { Icon } from "#components/ui/icon.tsx"

/** What a visitor sees, drawn with the widget's own proportions. Not a screenshot, so it follows the theme. */
export function PanelDrawing() {
  return (
    <div
      aria-hidden="true"
      className="flex flex-col overflow-hidden rounded-card border border-hairline bg-card shadow-raised"
    >
      <div className="flex items-center justify-between border-b border-hairline px-4 py-3">
        <span className="flex items-center gap-2 font-semibold">
          <span className="size-2 rounded-full bg-action" />
          Shop assistant
        </span>
        <Icon name="close" size={18} className="text-quiet" />
      </div>
      <div className="flex flex-col gap-4 px-4 py-5">
        <p className="max-w-[80%] self-end rounded-card bg-action px-3.5 py-2 text-on-action">
          Can I send back a lamp I already opened?
        </p>
        <div>
          <p>
            Yes. You have 30 days from delivery, and an opened box is fine as long as the lamp is
            undamaged. We send you a label, so the return is free.
          </p>
          <p className="mt-3 flex flex-wrap gap-2 text-13">
            <Source number={1} title="Returns and refunds" />
            <Source number={2} title="Delivery" />
          </p>
        </div>
      </div>
      <div className="flex items-center gap-2 border-t border-hairline p-3">
        <span className="flex-1 rounded-control border border-edge px-3 py-2 text-quiet">
          Ask a question
        </span>
        <span className="flex size-9 items-center justify-center rounded-control bg-action text-on-action">
          <Icon name="send" size={18} />
        </span>
      </div>
    </div>
  )
}

function Source({ number, title }: { number: number; title: string }) {
  return (
    <span className="inline-flex items-center gap-1.5 rounded-tag border border-brass bg-brass-tint px-2 py-0.5 font-medium text-brass-ink">
      <span className="size-2 rounded-full border-[1.5px] border-brass bg-card" />
      {number}
      <span className="font-normal">{title}</span>
    </span>
  )
}
