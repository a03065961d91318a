/**
 * What can be asked of a tree of items. A command says what is wanted, never
 * what the tree looked like when it was asked for: rights, cycles and what an
 * item inherits are settled when the command's turn has come.
 */
import { Schema } from "effect"
import { Attach, Copy, CopyContent, Fetched, Purge, SetContent, Upload } from "./ContentCommand.ts"
import { ItemId } from "./ItemId.ts"
import { ItemName, UserName, Viewers } from "./Name.ts"
import { Tags } from "./Tag.ts"

const Parent = Schema.NullOr(ItemId)

const Create = Schema.Struct({
  kind: Schema.tag("create"),
  /** Null: at the top of the tree. */
  parent: Parent,
  type: Schema.Literals(["collection", "item"]),
  name: ItemName,
  tags: Tags,
  /** Null: those who see the parent. */
  viewers: Schema.NullOr(Viewers)
})

const Rename = Schema.Struct({ kind: Schema.tag("rename"), item: ItemId, name: ItemName })

const Move = Schema.Struct({ kind: Schema.tag("move"), item: ItemId, parent: Parent })

/** `set` replaces, `add` and `remove` change; what is added and removed at once is removed. */
const SetTags = Schema.Struct({
  kind: Schema.tag("setTags"),
  item: ItemId,
  set: Schema.optionalKey(Tags),
  add: Schema.optionalKey(Tags),
  remove: Schema.optionalKey(Tags)
})

/**
 * `set` replaces, `grant` and `revoke` change; who is in both is revoked.
 * `parents`: whoever is granted sees all ancestors too, and whoever is revoked
 * loses those in whose branch nothing else is left that the user sees.
 * `children`: what lies below gets the same change (`delta`) or the same set
 * (`copy`).
 */
const SetAccess = Schema.Struct({
  kind: Schema.tag("setAccess"),
  item: ItemId,
  set: Schema.optionalKey(Viewers),
  grant: Schema.optionalKey(Viewers),
  revoke: Schema.optionalKey(Viewers),
  parents: Schema.optionalKey(Schema.Boolean),
  children: Schema.optionalKey(Schema.Literals(["delta", "copy"]))
})

const Delete = Schema.Struct({ kind: Schema.tag("delete"), item: ItemId })

const Restore = Schema.Struct({ kind: Schema.tag("restore"), item: ItemId })

/** A public owner's items are seen by everybody. */
const SetPublic = Schema.Struct({ kind: Schema.tag("setPublic"), public: Schema.Boolean })

const Command = Schema.Union([
  Create,
  Rename,
  Move,
  SetTags,
  SetAccess,
  Delete,
  Restore,
  SetPublic,
  Upload,
  SetContent,
  Fetched,
  Attach,
  CopyContent,
  Copy,
  Purge
])
export type Command = typeof Command.Type

/** The command of one kind. */
export type CommandOf<K extends Command["kind"]> = Extract<Command, { readonly kind: K }>

/** A command and who wants it; whose tree it concerns is the record's key. */
export const TreeCommand = Schema.Struct({
  by: UserName,
  /** Whether `by` may act on trees of others. */
  admin: Schema.Boolean,
  command: Command
})
export type TreeCommand = typeof TreeCommand.Type
