/** What an item is, and what can be asked of all of them, without how it is done. */
export interface NaiveContent {
  readonly gen: number
  readonly status: "processing" | "available" | "failed"
  /** Content, preview and thumbnail by role, of the generation `blobsGen`. */
  readonly blobs: Readonly<Record<string, string>>
  readonly blobsGen: number
  readonly url: string | null
}

export interface NaiveItem {
  readonly id: string
  readonly owner: string
  parent: string | null
  readonly type: string
  name: string
  own: Set<string>
  viewers: Set<string>
  deletedWith: string | null
  content: NaiveContent | null
}

export type NaiveOutcome = { readonly refused: string | null }

export const ok: NaiveOutcome = { refused: null }
export const no = (refused: string): NaiveOutcome => ({ refused })

/** Items and what is asked of them by walking. */
export interface NaiveForest {
  readonly items: Map<string, NaiveItem>
  readonly childrenOf: (id: string) => ReadonlyArray<NaiveItem>
  readonly branchOf: (id: string) => ReadonlyArray<NaiveItem>
  readonly sees: (user: string | null, item: NaiveItem) => boolean
  readonly add: (item: Omit<NaiveItem, "deletedWith" | "content">) => NaiveItem
  readonly refusedItem: (owner: string, by: string, may: boolean, id: string) => string | null
  readonly refusedParent: (owner: string, by: string, may: boolean, id: string | null) => string | null
}
