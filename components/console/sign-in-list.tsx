"use client"

import { Badge } from "#components/ui/badge.tsx"
import { Button, ButtonLink } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import type { Outcome } from "./command.ts"
import { ProblemNotice } from "./problem-notice.tsx"
import { useCommand } from "./use-command.ts"

type SignIn = {
  id: string
  device: string
  createdAt: string
  lastSeenAt: string
  isCurrent: boolean
}
export type EndSignIn = (input: { signInId: string }) => Promise<Outcome<unknown>>

/** Where one is signed in, and the way out of each. */
export function SignInList({ signIns, endSignIn }: { signIns: SignIn[]; endSignIn: EndSignIn }) {
  const command = useCommand((_tenantId: string, input: { signInId: string }) => endSignIn(input), {
    doneMessage: "Signed out there.",
  })
  return (
    <Card
      title="Where you are signed in"
      description="One you don’t know? Sign it out, then change your password."
    >
      {command.problem ? <ProblemNotice problem={command.problem} /> : null}
      <ul className="flex flex-col divide-y divide-hairline">
        {signIns.map((one) => (
          <li
            key={one.id}
            className="flex flex-wrap items-center gap-x-3 gap-y-1 py-3 first:pt-0 last:pb-0"
          >
            <div className="min-w-0 flex-1 basis-48">
              <p className="font-medium">
                {one.device} {one.isCurrent ? <Badge tone="good">This device</Badge> : null}
              </p>
              <p className="text-13 text-quiet">
                Signed in <RelativeTime at={one.createdAt} />, last seen{" "}
                <RelativeTime at={one.lastSeenAt} />
              </p>
            </div>
            {one.isCurrent ? (
              <ButtonLink href="/sign-out" size="small">
                Sign out
              </ButtonLink>
            ) : (
              <Button
                size="small"
                isBusy={command.isRunning}
                busyLabel="Signing out…"
                onClick={() => void command.run({ signInId: one.id })}
              >
                Sign out there
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Card>
  )
}
