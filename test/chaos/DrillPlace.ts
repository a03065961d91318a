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
  /** Null: the embedded server of `dataDir`. */
  readonly databaseUrl: string | null
}

/** The same for a drill of several processes behind the API. */
export interface ChaosPlace extends DrillPlace {
  readonly databaseUrl: string
  readonly kafkaBrokers: string | null
  readonly openAi: { readonly baseUrl: string; readonly apiKey: string }
  readonly api: { readonly port: number; readonly token: string }
  /** Folder whose disk may be full; blobs are kept there. */
  readonly files: string
  /** Users who take steps and whose tasks operators cancel and retry. */
  readonly wanderers: number
  /** Users whose posts go the whole way: rewritten, illustrated, published. Their channels follow the writers'. */
  readonly authors: number
  /** Steps of all walkers, per second. */
  readonly rate: number
}

/** The channel of a writer. */
export const channelOf = (writer: number): string => `chaos_target_${writer}`
