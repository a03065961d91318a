/**
 * The settings of the embedded server, each with its reason. The file is written anew before every
 * start; what an operator wants otherwise goes in by `ALTER SYSTEM`, which wins over it.
 */

/** A server setting as `postgresql.conf` names it, with its value in the words of that file. */
export type ServerSettings = Readonly<Record<string, string>>

const settings: ReadonlyArray<readonly [name: string, value: string, reason: string]> = [
  ["listen_addresses", "", "no TCP: only this machine's processes of this user get in, through the socket"],
  ["unix_socket_directories", "../run", "relative to the cluster, so the 107 bytes of a socket path never end a start"],
  ["unix_socket_permissions", "0700", "the socket lets in its owner (and root) only"],
  ["max_connections", "100", "a dozen Postroom processes with their pools"],
  ["shared_buffers", "128MB", "the hot tail of topics and journal fits; taken only as it is used"],
  ["fsync", "on", "accepted is kept, also when the power fails"],
  ["synchronous_commit", "on", "a commit is answered after its log is on disk"],
  ["full_page_writes", "on", "a page torn by a power failure is repaired from the log"],
  ["commit_delay", "0", "Postroom groups its writes itself; waiting for company would only add latency"],
  ["wal_compression", "pglz", "full pages after a checkpoint are most of the log; packed they fsync faster"],
  ["max_wal_size", "1GB", "checkpoints by time, not in the middle of a burst; bounds crash recovery to seconds"],
  [
    "min_wal_size",
    "160MB",
    "segments are reused rather than made: a new one is written twice, and commits wait for it"
  ],
  ["checkpoint_timeout", "5min", "bounds what a crash recovery has to read"],
  ...(process.platform === "linux"
    ? ([
        [
          "recovery_init_sync_method",
          "syncfs",
          "one call instead of a thousand before a crash recovery: measured 0.1-0.7 s instead of 0.2-1.8 s on a busy disk"
        ]
      ] as const)
    : []),
  ["checkpoint_warning", "0", "a burst that fills the log is normal here, not news"],
  ["wal_level", "replica", "PostgreSQL's default; a copy by pg_basebackup stays possible"],
  ["max_wal_senders", "2", "room for one pg_basebackup"],
  ["jit", "off", "the statements are short; compiling them costs more than running them"],
  ["max_parallel_workers_per_gather", "0", "many small statements share few cores"],
  ["autovacuum", "on", "the journal updates its rows; without it the tables swell"],
  ["autovacuum_naptime", "15s", "queue tables die and fill within seconds"],
  ["autovacuum_vacuum_cost_delay", "1ms", "vacuum keeps up with the journal on one slow disk"],
  [
    "default_statistics_target",
    "25",
    "an analysis reads 7,500 rows instead of 30,000: of tables that change all the time it kept a core from requests"
  ],
  ["timezone", "UTC", "times in rows mean the same on every machine"],
  ["log_timezone", "UTC", "as above"],
  ["log_checkpoints", "off", "server.log is kept small: it is cut only when the server starts"],
  [
    "log_min_messages",
    "log",
    "starts, stops and crashes; failed statements are told to their client, not to a file that grows"
  ],
  ["logging_collector", "off", "stderr already goes to server.log; one process less"]
]

/** The text of `postgresql.conf`: the settings above, then `overrides`, which win. */
export const postgresqlConf = (overrides: ServerSettings = {}): string =>
  [
    "# Written by Postroom before every start. Change settings with ALTER SYSTEM, not here.",
    ...settings.flatMap(([name, value, reason]) => [`# ${reason}`, `${name} = '${value}'`]),
    ...Object.entries(overrides).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`),
    ""
  ].join("\n")
