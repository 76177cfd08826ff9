// Preloaded into every process that the supervisor starts (and, through NODE_OPTIONS, into theirs).
// The kernel closes the channel when the parent dies, kill -9 included: nobody is left holding the
// port or the database.
if (process.channel) {
  // Asked, not listened for: a listener keeps the process alive, and undoing that with
  // channel.unref() outlasts the listeners that next dev's own child depends on.
  setInterval(() => {
    if (!process.connected) process.exit(1)
  }, 100).unref()
}
