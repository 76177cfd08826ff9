/** Alive. Says nothing about dependencies: that is /ready. */
export function GET() {
  return Response.json({ status: "ok" }, { headers: { "cache-control": "no-store" } })
}
