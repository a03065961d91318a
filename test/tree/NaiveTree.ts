/**
 * What a tree of items has to do, said as simply as can be: items in a map, everything derived by walking,
 * nothing kept up to date. Knows nothing of the product but the commands' shapes.
 */
import type { Command, TreeCommand } from "../../src/domain/tree/TreeCommand.ts"
import { applyContent, isOfContent } from "./NaiveContent.ts"
import type { ContentCommand } from "./NaiveContent.ts"
import { no, ok } from "./NaiveItem.ts"
import type { NaiveItem, NaiveOutcome } from "./NaiveItem.ts"

const spelled = (tags: ReadonlyArray<string> = []) => tags.map((tag) => tag.trim().toLowerCase())

export class NaiveTree {
  readonly items = new Map<string, NaiveItem>()
  readonly publicOwners = new Set<string>()

  childrenOf = (id: string) => [...this.items.values()].filter((item) => item.parent === id)
  branchOf = (id: string): ReadonlyArray<NaiveItem> => [
    this.items.get(id)!,
    ...this.childrenOf(id).flatMap((child) => this.branchOf(child.id))
  ]
  ancestorsOf = (id: string): ReadonlyArray<NaiveItem> => {
    const { parent } = this.items.get(id)!
    return parent === null ? [] : [this.items.get(parent)!, ...this.ancestorsOf(parent)]
  }
  tagsOf = (id: string): Set<string> => {
    const { own, parent } = this.items.get(id)!
    return parent === null ? new Set(own) : new Set([...own, ...this.tagsOf(parent)])
  }
  sees = (user: string | null, item: NaiveItem): boolean =>
    item.deletedWith === null &&
    (this.publicOwners.has(item.owner) || (user !== null && (item.owner === user || item.viewers.has(user))))

  add(item: Omit<NaiveItem, "deletedWith" | "content">): NaiveItem {
    const made = { ...item, deletedWith: null, content: null }
    this.items.set(item.id, made)
    return made
  }

  /** How many items of each owner a user sees, by tag. */
  countsOf = (user: string | null): Map<string, number> => {
    const counts = new Map<string, number>()
    for (const item of this.items.values()) {
      if (!this.sees(user, item)) continue
      for (const tag of this.tagsOf(item.id)) counts.set(tag, (counts.get(tag) ?? 0) + 1)
    }
    return counts
  }

  apply(owner: string, task: string, { by, admin, command }: TreeCommand): NaiveOutcome {
    const may = admin || by === owner
    if (command.kind === "setPublic") {
      if (!may) return no("NotOwner")
      if (command.public) this.publicOwners.add(owner)
      else this.publicOwners.delete(owner)
      return ok
    }
    if (isOfContent(command)) return applyContent(this, owner, task, { by, admin, command })
    if (command.kind === "create") {
      const refused = this.refusedParent(owner, by, may, command.parent)
      if (refused !== null) return no(refused)
      const parent = command.parent === null ? null : this.items.get(command.parent)!
      const viewers = new Set(command.viewers ?? parent?.viewers ?? [])
      viewers.delete(owner)
      const { type, name } = command
      const own = new Set(spelled(command.tags))
      this.add({ id: task, owner, parent: command.parent, type, name, own, viewers })
      return ok
    }
    const refused = this.refusedItem(owner, by, may, command.item)
    if (refused !== null) return no(refused)
    const item = this.items.get(command.item)!
    if (command.kind === "restore") {
      if (item.deletedWith === null) return no("NotDeleted")
      if (item.deletedWith !== item.id || this.ancestorsOf(item.id).some((one) => one.deletedWith !== null))
        return no("Deleted")
      for (const one of this.branchOf(item.id)) if (one.deletedWith === item.id) one.deletedWith = null
      return ok
    }
    if (item.deletedWith !== null) return no("Deleted")
    return this.#change(owner, by, may, item, command)
  }

  refusedItem(owner: string, by: string, may: boolean, id: string): string | null {
    const item = this.items.get(id)
    if (item === undefined || item.owner !== owner) return "NotFound"
    if (may) return null
    return this.sees(by, item) ? "NotOwner" : "NotFound"
  }

  refusedParent(owner: string, by: string, may: boolean, id: string | null): string | null {
    if (id === null) return may ? null : "NotOwner"
    const refused = this.refusedItem(owner, by, may, id)
    if (refused !== null) return refused
    const parent = this.items.get(id)!
    if (parent.deletedWith !== null) return "Deleted"
    return parent.type === "collection" ? null : "NotACollection"
  }

  #change(
    owner: string,
    by: string,
    may: boolean,
    item: NaiveItem,
    command: Exclude<Command, ContentCommand | { kind: "create" | "restore" | "setPublic" }>
  ): NaiveOutcome {
    switch (command.kind) {
      case "rename":
        item.name = command.name
        return ok
      case "delete":
        for (const one of this.branchOf(item.id)) one.deletedWith ??= item.id
        return ok
      case "setTags": {
        const own = new Set(command.set === undefined ? item.own : spelled(command.set))
        for (const tag of spelled(command.add)) own.add(tag)
        for (const tag of spelled(command.remove)) own.delete(tag)
        item.own = own
        return ok
      }
      case "move": {
        const target = command.parent === null ? undefined : this.items.get(command.parent)
        if (target !== undefined && target.owner !== owner && this.sees(by, target)) return no("OtherOwner")
        const refused = this.refusedParent(owner, by, may, command.parent)
        if (refused !== null) return no(refused)
        if (target !== undefined && this.branchOf(item.id).includes(target)) return no("WouldCycle")
        item.parent = command.parent
        return ok
      }
      case "setAccess":
        this.#setAccess(owner, item, command)
        return ok
    }
  }

  #setAccess(owner: string, item: NaiveItem, command: Extract<Command, { kind: "setAccess" }>) {
    const granted = new Set(command.grant)
    const revoked = new Set(command.revoke)
    if (command.set !== undefined) {
      for (const user of command.set) if (!item.viewers.has(user)) granted.add(user)
      for (const user of item.viewers) if (!command.set.includes(user)) revoked.add(user)
    }
    granted.delete(owner)
    revoked.delete(owner)
    for (const user of revoked) granted.delete(user)
    const changed = (viewers: Set<string>) => new Set([...viewers, ...granted].filter((user) => !revoked.has(user)))
    item.viewers = changed(item.viewers)
    if (command.children !== undefined) {
      for (const one of this.branchOf(item.id).slice(1))
        one.viewers = command.children === "copy" ? new Set(item.viewers) : changed(one.viewers)
    }
    if (command.parents !== true) return
    for (const ancestor of this.ancestorsOf(item.id)) {
      for (const user of granted) ancestor.viewers.add(user)
      // From the nearest one up: what was just taken away grants nothing any more.
      for (const user of revoked) {
        const below = this.branchOf(ancestor.id).slice(1)
        if (!below.some((one) => one.deletedWith === null && one.viewers.has(user))) ancestor.viewers.delete(user)
      }
    }
  }
}
