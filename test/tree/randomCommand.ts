/** Commands drawn by chance, most of which make sense for the tree as it stands. */
import type { Command, TreeCommand } from "../../src/domain/tree/TreeCommand.ts"
import type { NaiveItem } from "./NaiveItem.ts"
import type { NaiveTree } from "./NaiveTree.ts"
import { drawContent } from "./randomContent.ts"

export const people = ["anna", "ben", "chris", "dora", "eve"] as const

const tags = ["Red", "green ", "blue", "été", "море"]

/** Numbers in [0, 1) that are the same for the same seed. */
export const makeChance = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

export interface Drawn {
  readonly owner: string
  readonly value: TreeCommand
}

/** Whether commands are about content, and whose items may be copied: copies of others' depend on when they are made. */
export type AboutContent = "never" | "of their own" | "of all"

/** The next command, for the tree of one of the people; every fourth is about content, where that is wanted. */
export const drawCommand = (chance: () => number, tree: NaiveTree, aboutContent: AboutContent = "never"): Drawn => {
  const pick = <A>(list: ReadonlyArray<A>): A => list[Math.floor(chance() * list.length)]!
  const some = <A>(list: ReadonlyArray<A>): Array<A> => list.filter(() => chance() < 0.4)
  const owner = pick(people)
  const by = chance() < 0.85 ? owner : pick(people)
  const own = [...tree.items.values()].filter((item) => item.owner === owner)
  const anyItem = (): NaiveItem | undefined => (chance() < 0.97 ? pick(own) : pick([...tree.items.values()]))
  const idOf = (item: NaiveItem | undefined) => item?.id ?? "00000000-0000-4000-8000-000000000000"
  const collection = () => pick(own.filter((item) => item.type === "collection" || chance() < 0.05))
  const place = () => (chance() < 0.15 ? null : (collection()?.id ?? null))
  const command = (): Command => {
    if (aboutContent !== "never" && chance() < 0.25) {
      const files = own.filter(({ type, deletedWith }) => type === "item" || deletedWith !== null)
      const item = () => (chance() < 0.8 && files.length > 0 ? pick(files) : anyItem())
      return drawContent({
        chance,
        pick,
        item,
        any: () => pick(aboutContent === "of all" ? [...tree.items.values()] : own),
        place
      })
    }
    const dice = chance()
    if (dice < 0.34 || own.length < 3) {
      return {
        kind: "create",
        parent: place(),
        type: chance() < 0.7 ? "collection" : "item",
        name: `${pick(["cat", "Dog", "fish"])} ${Math.floor(chance() * 100)}.jpg`,
        tags: chance() < 0.5 ? [] : some(tags),
        viewers: chance() < 0.5 ? null : some(people)
      }
    }
    const item = idOf(anyItem())
    if (dice < 0.38) return { kind: "rename", item, name: pick(["one", "two", "three words here"]) }
    if (dice < 0.5) return { kind: "move", item, parent: chance() < 0.05 ? idOf(anyItem()) : place() }
    if (dice < 0.68) {
      return chance() < 0.2
        ? { kind: "setTags", item, set: some(tags) }
        : { kind: "setTags", item, add: some(tags), remove: some(tags) }
    }
    if (dice < 0.86) {
      const reach = {
        parents: chance() < 0.4,
        ...(chance() < 0.7 ? { children: chance() < 0.6 ? ("delta" as const) : ("copy" as const) } : {})
      }
      return chance() < 0.25
        ? { kind: "setAccess", item, set: some(people), ...reach }
        : { kind: "setAccess", item, grant: some(people), revoke: some(people), ...reach }
    }
    if (dice < 0.91) return { kind: "delete", item }
    if (dice < 0.97) {
      const gone = own.filter((one) => one.deletedWith !== null)
      return { kind: "restore", item: gone.length === 0 ? item : pick(gone).id }
    }
    return { kind: "setPublic", public: chance() < 0.5 }
  }
  return { owner, value: { by, admin: chance() < 0.05, command: command() } }
}
