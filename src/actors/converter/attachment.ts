/**
 * What is said to the tree of the picture of an item: what was made of it, or
 * why nothing was, with the end of the task either way.
 */
import { Effect } from "effect"
import type { Attachment } from "../../domain/tree/Attachment.ts"
import type { ConvertedBlob } from "../../services/images/convertBlob.ts"
import type { Derivative } from "../../services/images/Job.ts"
import type { mediaUploaded } from "../../topics/mediaUploaded.ts"
import * as Topic from "../../topics/Topic.ts"
import { treeCommands } from "../../topics/treeCommands.ts"
import type { Refusal } from "./conversions.ts"

/** A picture and, where an item has it, which. */
export type Picture = Topic.ValueOf<typeof mediaUploaded>

const derived = ({ sha256, bytes: size, width, height, format }: Derivative) => ({
  sha256,
  size,
  width,
  height,
  format
})

/** What was made, in the tree's words. */
export const attachmentOf = (converted: ConvertedBlob): Attachment => ({
  kind: "converted",
  preview: derived(converted.preview),
  thumbnail: derived(converted.thumbnail),
  width: converted.source.width,
  height: converted.source.height,
  thumbhash: converted.thumbhash,
  degraded: converted.degraded ?? null,
  exif: { ...converted.exif }
})

/** The tree command about the picture of an item in the owner's tree; none where no item has it. */
const attach = ({ sha256, item }: Picture, owner: string, attachment: Attachment) =>
  item === undefined
    ? Effect.succeed([])
    : Effect.map(
        Topic.output(treeCommands, owner, {
          by: owner,
          admin: false,
          command: { kind: "attach", item: item.id, gen: item.gen, sha256, attachment }
        }),
        (output) => [output]
      )

/** What a task that succeeds hands on. */
export const handedOn = (picture: Picture, owner: string, converted: ConvertedBlob) =>
  attach(picture, owner, attachmentOf(converted))

const longestMessage = 1_000

/** What a task hands on that fails, since nothing can be made of the picture. */
export const refusedOn = (picture: Picture, owner: string, { reason, message }: Refusal) =>
  attach(picture, owner, { kind: "failed", reason, message: message.slice(0, longestMessage) })
