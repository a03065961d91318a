/** Files of lines that the processes of a drill write; a last line that was cut off by a kill is left out. */
import * as fs from "node:fs"

/** Calls `each` with the words of every line; a file that nobody wrote has none. */
export const eachLine = (file: string, each: (words: ReadonlyArray<string>) => void): void => {
  if (!fs.existsSync(file)) return
  const fd = fs.openSync(file, "r")
  const room = Buffer.alloc(1 << 22)
  let rest = ""
  try {
    for (let read = fs.readSync(fd, room); read > 0; read = fs.readSync(fd, room)) {
      const lines = (rest + room.toString("utf8", 0, read)).split("\n")
      rest = lines.pop()!
      for (const line of lines) each(line.split(" "))
    }
  } finally {
    fs.closeSync(fd)
  }
}
