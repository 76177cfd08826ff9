import type { Metadata } from "next"
import Link from "next/link"
import { SignUpForm } from "./_components/sign-up-form.tsx"
import { signUp } from "./actions.ts"

export const metadata: Metadata = { title: "Create an account" }

export default function SignUpPage() {
  return (
    <>
      <h1 className="text-20 font-semibold">Create your assistant</h1>
      <p className="mt-1 text-14 text-quiet">Three fields, then you’re in your first bot.</p>
      <SignUpForm signUp={signUp} />
      <p className="mt-6 text-14 text-quiet">
        Already have an account?{" "}
        <Link href="/sign-in" className="font-medium text-action underline underline-offset-2">
          Sign in
        </Link>
      </p>
    </>
  )
}
