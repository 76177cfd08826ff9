/** CSS shows it after 300 ms: a fast connection never sees it. */
export function Skeleton() {
  return (
    <div class="skeleton" aria-hidden="true">
      <i />
      <i />
      <i />
    </div>
  )
}
