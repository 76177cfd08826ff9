"use client"

import { signOut } from "next-auth/react"
import { useState } from "react"
import { Button, ButtonLink } from "#components/ui/button.tsx"

export function SignOutForm() {
  const [isBusy, setBusy] = useState(false)
  return (
    <div className="mt-5 flex flex-wrap gap-2">
      <Button
        look="action"
        isBusy={isBusy}
        busyLabel="Signing out…"
        onClick={() => {
          setBusy(true)
          signOut({ callbackUrl: "/" }).catch(() => setBusy(false))
        }}
      >
        Sign out
      </Button>
      <ButtonLink href="/console">Stay signed in</ButtonLink>
    </div>
  )
}
