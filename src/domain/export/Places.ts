/**
 * The tree as folders, while its items come by in the order of their paths: each
 * stands in the folder of the nearest collection above it that came by too, so
 * that what is not seen leaves no trace. Only the open folders are kept in mind.
 */
import { isWithin } from "../tree/Path.ts"
import { makeNames } from "./FileName.ts"
import type { Names } from "./FileName.ts"

/** Where an item stands in the trees. */
export interface Placed {
  /** Number of the tree's owner: paths are those within one tree. */
  readonly owner: number
  readonly path: string
}

interface Folder extends Placed {
  /** Its own path in the export and a slash; nothing for the top. */
  readonly prefix: string
  readonly names: Names
}

export interface Places {
  /** The path of an item's file. */
  readonly file: (item: Placed, name: string) => string
  /** The path of a collection, in which those below it stand from now on. */
  readonly folder: (item: Placed, name: string) => string
}

/** Folders of an export; `reserved` are names at the top that are not an item's. */
export const makePlaces = (reserved: ReadonlyArray<string> = []): Places => {
  const top: Folder = { owner: 0, path: "", prefix: "", names: makeNames(reserved) }
  const open: Array<Folder> = []

  const above = (item: Placed): Folder => {
    for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
      if (last.owner === item.owner && isWithin(item.path, last.path)) return last
      open.pop()
    }
    return top
  }

  const file = (item: Placed, name: string): string => {
    const { prefix, names } = above(item)
    return prefix + names.take(name)
  }

  return {
    file,
    folder: (item, name) => {
      const path = file(item, name)
      open.push({ owner: item.owner, path: item.path, prefix: `${path}/`, names: makeNames() })
      return path
    }
  }
}
