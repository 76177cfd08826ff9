/** Set by `runtime/web.ts` on every request, over whatever a client sent under this name. */
export const pathHeader = "x-coatcheck-path"

/**
 * Where a sign-in leads back to: the console page that was asked for, without what Next's router adds to
 * its own requests. Anything that is no page of this tenant gives the tenant's first page.
 */
export function readReturnPath(incoming: Headers, tenantId: string): string {
  const home = `/console/${tenantId}`
  const asked = new URL(incoming.get(pathHeader) ?? home, "http://console.invalid")
  if (asked.pathname !== home && !asked.pathname.startsWith(`${home}/`)) return home
  asked.searchParams.delete("_rsc")
  return asked.pathname + asked.search
}
