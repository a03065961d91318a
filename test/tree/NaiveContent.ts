/** The content of items as simply as can be: the hashes an item shows, and how often it was given content. */
import { uuidOf } from "../../src/domain/ids.ts"
import type { Command, TreeCommand } from "../../src/domain/tree/TreeCommand.ts"
import { no, ok } from "./NaiveItem.ts"
import type { NaiveContent, NaiveForest, NaiveItem, NaiveOutcome } from "./NaiveItem.ts"
import { storedHashes } from "./randomContent.ts"

/** Whether the store has what a command names. */
const isStored = (sha256: string) => storedHashes.has(sha256)
const isLost = (content: { readonly kind: string; readonly sha256?: string }) =>
  content.kind === "stored" && !isStored(content.sha256!)

const kinds = ["upload", "setContent", "fetched", "attach", "copyContent", "copy", "purge"] as const
export type ContentCommand = Extract<Command, { kind: (typeof kinds)[number] }>
export const isOfContent = (command: Command): command is ContentCommand => kinds.some((kind) => kind === command.kind)

/** Has an item show stored content of generation `gen`. */
const show = (item: NaiveItem, gen: number, { sha256, type }: { readonly sha256: string; readonly type: string }) => {
  const status = type.startsWith("image/") ? "processing" : "available"
  item.content = { gen, status, blobs: { content: sha256 }, blobsGen: gen, url: null }
}

const put = (item: NaiveItem, content: Extract<ContentCommand, { kind: "upload" }>["content"]) => {
  const before = item.content
  const gen = (before?.gen ?? 0) + 1
  if (content.kind === "stored") return show(item, gen, content)
  const { blobs = {}, blobsGen = 0 } = before ?? {}
  item.content = { gen, status: "processing", blobs, blobsGen, url: content.url }
}

/** What another item is given of `content`. */
const taken = (content: NaiveContent, gen: number, before: NaiveContent | null): NaiveContent => {
  const isThere = content.blobsGen === content.gen
  const { blobs, blobsGen } = isThere ? { ...content, blobsGen: gen } : (before ?? { blobs: {}, blobsGen: 0 })
  return { ...content, gen, blobs, blobsGen }
}

const copyBranch = (
  tree: NaiveForest,
  owner: string,
  task: string,
  source: NaiveItem,
  at: string | null,
  by: string
) => {
  const copies = (item: NaiveItem, parent: string | null): void => {
    const below = tree.childrenOf(item.id)
    const id = item === source ? task : uuidOf(`copy\n${task}\n${item.id}`)
    const { type, name } = item
    const viewers = new Set(at === null ? [] : tree.items.get(at)!.viewers)
    const made = tree.add({ id, owner, parent, type, name, own: new Set(item.own), viewers })
    if (item.content !== null) made.content = taken(item.content, 1, null)
    for (const child of below) if (by === "*" || tree.sees(by, child)) if (child.deletedWith === null) copies(child, id)
  }
  copies(source, at)
}

/** Applies a command about content. */
export const applyContent = (
  tree: NaiveForest,
  owner: string,
  task: string,
  { by, admin, command }: Omit<TreeCommand, "command"> & { readonly command: ContentCommand }
): NaiveOutcome => {
  const may = admin || by === owner
  const seen = (id: string) => {
    const item = tree.items.get(id)
    return item !== undefined && item.deletedWith === null && (admin || tree.sees(by, item)) ? item : undefined
  }
  if (command.kind === "upload") {
    const refused = tree.refusedParent(owner, by, may, command.parent)
    if (refused !== null) return no(refused)
    if (isLost(command.content)) return no("NotStored")
    const parent = command.parent === null ? null : tree.items.get(command.parent)!
    const viewers = new Set(command.viewers ?? parent?.viewers ?? [])
    viewers.delete(owner)
    const own = new Set(command.tags.map((tag) => tag.trim().toLowerCase()))
    put(
      tree.add({ id: task, owner, parent: command.parent, type: "item", name: command.name, own, viewers }),
      command.content
    )
    return ok
  }
  if (command.kind === "copy") {
    const refused = tree.refusedParent(owner, by, may, command.parent)
    if (refused !== null) return no(refused)
    const source = seen(command.item)
    if (source === undefined) return no("NotFound")
    if (command.parent !== null && tree.branchOf(source.id).some(({ id }) => id === command.parent))
      return no("WouldCycle")
    copyBranch(tree, owner, task, source, command.parent, admin ? "*" : by)
    return ok
  }
  const refused = tree.refusedItem(owner, by, may, command.item)
  if (refused !== null) return no(refused)
  const item = tree.items.get(command.item)!
  const current = "gen" in command && item.content?.gen === command.gen ? item.content : null
  switch (command.kind) {
    case "purge":
      if (item.deletedWith === null) return no("NotDeleted")
      for (const { id } of tree.branchOf(item.id)) tree.items.delete(id)
      return ok
    case "fetched":
      if (current === null || current.blobsGen === current.gen) return ok
      if (isLost(command.content)) return no("NotStored")
      if (command.content.kind === "failed") item.content = { ...current, status: "failed", url: null }
      else show(item, current.gen, command.content)
      return ok
    case "attach": {
      if (current === null || current.blobsGen !== current.gen || current.blobs["content"] !== command.sha256) return ok
      const { attachment } = command
      if (attachment.kind === "failed") item.content = { ...current, status: "failed" }
      else {
        const { preview, thumbnail } = attachment
        if (!isStored(preview.sha256) || !isStored(thumbnail.sha256)) return ok
        const blobs = { ...current.blobs, preview: preview.sha256, thumbnail: thumbnail.sha256 }
        item.content = { ...current, status: "available", blobs }
      }
      return ok
    }
  }
  if (item.deletedWith !== null) return no("Deleted")
  if (item.type !== "item") return no("IsACollection")
  if (command.kind === "setContent") {
    if (isLost(command.content)) return no("NotStored")
    put(item, command.content)
    return ok
  }
  const source = seen(command.from)
  if (source === undefined) return no("NotFound")
  if (source.content === null) return no("NoContent")
  if (source !== item) item.content = taken(source.content, (item.content?.gen ?? 0) + 1, item.content)
  return ok
}
