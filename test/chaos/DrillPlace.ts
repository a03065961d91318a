/** Where the processes of a drill find each other. */
export interface DrillPlace {
  /** Of the installation. */
  readonly dataDir: string
  /** Folder of what the processes write down for the checker. */
  readonly records: string
  readonly telegram: {
    readonly host: string
    readonly port: number
    readonly dc: number
    readonly publicKey: { readonly n: string; readonly e: number; readonly fingerprint: string }
    readonly session: string
  }
  /** Users who take steps. */
  readonly walkers: number
  /** Users who publish, each to a channel of its own. */
  readonly writers: number
}

/** The channel of a writer. */
export const channelOf = (writer: number): string => `chaos_target_${writer}`
