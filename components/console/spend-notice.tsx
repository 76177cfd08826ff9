import Link from "next/link"
import { Notice } from "#components/ui/notice.tsx"
import { formatMoney } from "./money.ts"
import { routes } from "./routes.ts"

/** Half, four fifths and all of a month's money: where the audit log says it too. */
const marks = [100, 80, 50] as const

type SpendNoticeProps = {
  spend: { spentMinor: number; capMinor: number; currency: string; hasModel: boolean }
  tenantId: string
  isOnUsage?: boolean
}

/** How far the month's spending is, from half of its limit on. */
export function SpendNotice({ spend, tenantId, isOnUsage = false }: SpendNoticeProps) {
  const { spentMinor, capMinor, currency, hasModel } = spend
  // Without a model nothing can be spent: the chats quote already.
  if (!hasModel || capMinor === 0) return null
  const percent = Math.floor((spentMinor / capMinor) * 100)
  const mark = marks.find((one) => percent >= one)
  if (!mark) return null
  const limit = formatMoney(capMinor, currency)
  const title =
    mark === 100 ? `This month’s ${limit} is used` : `${percent} % of this month’s ${limit} is used`
  const tone = mark === 100 ? "bad" : mark === 80 ? "waiting" : "plain"
  // The figures below it say the rest.
  if (isOnUsage) return <Notice tone={tone} title={title} />
  return (
    <Notice
      tone={tone}
      title={title}
      action={
        <Link
          href={routes.usage(tenantId)}
          className="text-14 font-medium text-action underline underline-offset-2"
        >
          See usage
        </Link>
      }
    >
      {mark === 100
        ? "Your chats go on and quote your sources until the next month begins."
        : "At the limit your chats quote your sources, which costs nothing."}
    </Notice>
  )
}
