/**
 * Every way the embedded PostgreSQL can fail to start, as one tagged error with a closed set of
 * reasons. The message of each is one line that says what to do; whoever cannot or will not do it
 * has the way out that every reason shares: another server by DATABASE_URL.
 */
import { Schema } from "effect"

const elsewhere = "or set DATABASE_URL to a PostgreSQL server (15 or newer)"

/** There are no PostgreSQL binaries for this system, or they cannot be executed on it. */
export class Unsupported extends Schema.TaggedError<Unsupported>()("Unsupported", { detail: Schema.String }) {
  readonly isRetryable = false
  override get message(): string {
    return `the embedded PostgreSQL does not run here (${this.detail}): set DATABASE_URL to a PostgreSQL server (15 or newer)`
  }
}

/** PostgreSQL refuses root, and no other identity could be taken that can use the data directory. */
export class NamespaceRefused extends Schema.TaggedError<NamespaceRefused>()("NamespaceRefused", {
  dataDir: Schema.String,
  detail: Schema.String
}) {
  readonly isRetryable = false
  override get message(): string {
    return `PostgreSQL refuses to run as root and no other identity can use ${this.dataDir} (${this.detail}): start Postroom as an ordinary user, move DATA_DIR to where every user may enter, ${elsewhere}`
  }
}

/** The file system or the quota is full. */
export class DiskFull extends Schema.TaggedError<DiskFull>()("DiskFull", { dataDir: Schema.String }) {
  readonly isRetryable = true
  override get message(): string {
    return `no space left on the disk of ${this.dataDir}: free some (at least 200 MB), move DATA_DIR, ${elsewhere}`
  }
}

/** The data directory cannot be written: read-only file system, or it belongs to somebody else. */
export class ReadOnly extends Schema.TaggedError<ReadOnly>()("ReadOnly", {
  dataDir: Schema.String,
  detail: Schema.String
}) {
  readonly isRetryable = false
  override get message(): string {
    return `${this.dataDir} cannot be written (${this.detail}): make it writable for this user, set DATA_DIR to a writable directory, ${elsewhere}`
  }
}

/** The data directory was made by another major version of PostgreSQL, whose files this one cannot read. */
export class OtherVersion extends Schema.TaggedError<OtherVersion>()("OtherVersion", {
  dataDir: Schema.String,
  found: Schema.String,
  expected: Schema.String
}) {
  readonly isRetryable = false
  override get message(): string {
    return `${this.dataDir} was made by PostgreSQL ${this.found}, this is ${this.expected}: dump it with version ${this.found} and restore it into a new DATA_DIR, ${elsewhere}`
  }
}

/** A new cluster could not be made. */
export class InitFailed extends Schema.TaggedError<InitFailed>()("InitFailed", {
  dataDir: Schema.String,
  logTail: Schema.String
}) {
  readonly isRetryable = false
  override get message(): string {
    return `a new PostgreSQL cluster could not be made in ${this.dataDir}: ${this.logTail}; use another DATA_DIR, ${elsewhere}`
  }
}

/** The server ended while it started. */
export class StartFailed extends Schema.TaggedError<StartFailed>()("StartFailed", {
  dataDir: Schema.String,
  logTail: Schema.String
}) {
  readonly isRetryable = true
  override get message(): string {
    return `PostgreSQL did not start in ${this.dataDir}: ${this.logTail}; look into server.log there, ${elsewhere}`
  }
}

/** The server did not take connections in time (a long crash recovery goes on by itself). */
export class Timeout extends Schema.TaggedError<Timeout>()("Timeout", {
  dataDir: Schema.String,
  seconds: Schema.Finite,
  detail: Schema.String
}) {
  readonly isRetryable = true
  override get message(): string {
    return `PostgreSQL in ${this.dataDir} took no connection within ${this.seconds} s (${this.detail}): look into server.log there and start again, ${elsewhere}`
  }
}

/** The closed set of reasons of an {@link EmbeddedPostgresError}. */
export const EmbeddedPostgresReason = Schema.Union([
  Unsupported,
  NamespaceRefused,
  DiskFull,
  ReadOnly,
  OtherVersion,
  InitFailed,
  StartFailed,
  Timeout
])
export type EmbeddedPostgresReason = typeof EmbeddedPostgresReason.Type

/** The embedded PostgreSQL could not be started or joined. */
export class EmbeddedPostgresError extends Schema.TaggedError<EmbeddedPostgresError>()("EmbeddedPostgresError", {
  reason: EmbeddedPostgresReason
}) {
  override get message(): string {
    return this.reason.message
  }
  /** Whether starting again later may succeed without a change of the settings. */
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
}

const errnoOf = (cause: unknown): string | undefined =>
  typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : undefined

/** The reason behind a failed call to the file system, told by its errno; anything else is `StartFailed`. */
export const reasonOfCause = (dataDir: string, cause: unknown): EmbeddedPostgresReason => {
  const detail = cause instanceof Error ? cause.message : String(cause)
  switch (errnoOf(cause)) {
    case "ENOSPC":
    case "EDQUOT":
      return new DiskFull({ dataDir })
    case "EROFS":
    case "EACCES":
    case "EPERM":
    case "ENOTDIR":
    case "EEXIST":
      return new ReadOnly({ dataDir, detail })
    default:
      return new StartFailed({ dataDir, logTail: detail })
  }
}

/** The reason behind what a PostgreSQL program wrote before it gave up; `otherwise` where the text names none. */
export const reasonOfLog = (
  dataDir: string,
  text: string,
  otherwise: (logTail: string) => EmbeddedPostgresReason
): EmbeddedPostgresReason => {
  if (/No space left on device|Disk quota exceeded/.test(text)) return new DiskFull({ dataDir })
  if (/Read-only file system/.test(text)) return new ReadOnly({ dataDir, detail: "read-only file system" })
  const written = text
    .split("\n")
    // Without the time and process id that the server puts before each line.
    .map((line) => line.replace(/^\S+ \S+ UTC \[\d+\] /, "").trim())
    .filter((line) => line !== "" && !/the database system is|invalid record length/.test(line))
  const told = written.filter((line) => /\b(FATAL|PANIC|error|fatal|invalid|could not|not found)\b/.test(line))
  const lines = told.length > 0 ? told : written
  return otherwise(lines.slice(-3).join(" | ").slice(-600))
}
