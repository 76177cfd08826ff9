import type { Metadata } from "next"
import Link from "next/link"
import { SignInForm } from "./_components/sign-in-form.tsx"

export const metadata: Metadata = { title: "Sign in" }

type Props = { searchParams: Promise<{ next?: string | string[]; reason?: string | string[] }> }

export default async function SignInPage({ searchParams }: Props) {
  const { next, reason } = await searchParams
  return (
    <>
      <h1 className="text-20 font-semibold">Sign in</h1>
      {reason === "password" ? (
        <p className="mt-2 text-14 text-quiet">
          Your password is changed and every device is signed out. Sign in with the new one.
        </p>
      ) : null}
      <SignInForm next={toConsolePath(next)} />
      <p className="mt-6 text-14 text-quiet">
        New here?{" "}
        <Link href="/sign-up" className="font-medium text-action underline underline-offset-2">
          Create an account
        </Link>
      </p>
    </>
  )
}

/** Only a path inside the console: an address from outside must not choose where a sign-in ends. */
function toConsolePath(next: string | string[] | undefined): string {
  return typeof next === "string" && /^\/console(\/[\w/-]*)?(\?[\w=&-]*)?$/.test(next)
    ? next
    : "/console"
}
