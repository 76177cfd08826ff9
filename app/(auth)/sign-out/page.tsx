import type { Metadata } from "next"
import { SignOutForm } from "./_components/sign-out-form.tsx"

export const metadata: Metadata = { title: "Sign out" }

export default function SignOutPage() {
  return (
    <>
      <h1 className="text-20 font-semibold">Sign out?</h1>
      <p className="mt-1 text-14 text-quiet">Your bots keep answering while you’re away.</p>
      <SignOutForm />
    </>
  )
}
