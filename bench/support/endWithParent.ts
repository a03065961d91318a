/** A program of a measurement must not outlive who started it, whatever became of that. */

/** Ends this process when its standard input does: the other end is held by the parent alone. */
export const endWithParent = (): void => {
  process.stdin.on("end", () => process.exit(1))
  process.stdin.on("error", () => process.exit(1))
  process.stdin.resume()
}
