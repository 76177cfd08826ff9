// Preloaded into every process that the supervisor starts (and, through NODE_OPTIONS, into theirs).
// The kernel closes the channel when the parent dies, kill -9 included: nobody is left holding the
// port or the database.
if (process.channel) {
  process.once("disconnect", () => process.exit(1))
  // Listening must not keep a process alive that has finished its work.
  process.channel.unref()
}
