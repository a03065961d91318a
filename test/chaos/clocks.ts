/** Clocks of single processes, set apart by libfaketime where it is installed. The monotonic clock stays as it is. */
import * as fs from "node:fs"

const places = [
  process.env["CHAOS_LIBFAKETIME"] ?? "",
  "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
  "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
  "/usr/lib/faketime/libfaketime.so.1",
  "/usr/lib64/faketime/libfaketime.so.1"
]

/** The library, or null where there is none. */
export const findFakeTime = (): string | null => places.find((file) => file !== "" && fs.existsSync(file)) ?? null

export interface SettableClock {
  /** Of a process that is to follow this clock. */
  readonly env: NodeJS.ProcessEnv
  /** Sets it apart from the real one, seconds. */
  readonly set: (seconds: number) => void
}

/** A clock that is told its offset by `file`. */
export const clockOf = (library: string | null, file: string): SettableClock => {
  if (library === null) return { env: {}, set: () => undefined }
  const set = (seconds: number) => {
    fs.writeFileSync(`${file}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`)
    fs.renameSync(`${file}.new`, file)
  }
  set(0)
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      DONT_FAKE_MONOTONIC: "1"
    },
    set
  }
}
