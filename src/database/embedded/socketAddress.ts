/**
 * The address of the socket for clients. A socket path holds 107 bytes (103 on macOS) and a data
 * directory may be deeper: then a short link in the temporary directory leads to it. The link is
 * recorded in the data directory, so every process and every start uses the same one.
 */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

const longest = 100
const socketName = ".s.PGSQL.5432"
const record = "socket-link"

/** A link is trusted when it and its folder are ours, nobody else may write the folder, and it leads to `run`. */
const leadsTo = (link: string, run: string, uid: number | undefined): boolean => {
  try {
    const folder = fs.lstatSync(path.dirname(link))
    return (
      folder.isDirectory() &&
      (folder.mode & 0o022) === 0 &&
      (uid === undefined || folder.uid === uid) &&
      fs.readlinkSync(link) === run
    )
  } catch {
    return false
  }
}

/**
 * The directory to name as the host of a connection: `run` itself, or the short link to it, made when
 * there is none. Throws the file system's own error.
 */
export const socketDirectory = (dataDir: string, run: string, temporary: string = os.tmpdir()): string => {
  if (Buffer.byteLength(path.join(run, socketName)) <= longest) return run
  const file = path.join(dataDir, record)
  const known = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : ""
  if (known !== "" && leadsTo(known, run, process.getuid?.())) return known
  const link = path.join(fs.mkdtempSync(path.join(temporary, "postroom-")), "s")
  fs.symlinkSync(run, link)
  const draft = `${file}.${process.pid}`
  fs.writeFileSync(draft, link)
  fs.renameSync(draft, file)
  return link
}

/** The socket itself, below {@link socketDirectory}. */
export const socketPath = (directory: string): string => path.join(directory, socketName)
