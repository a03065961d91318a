/**
 * What is said to the tree of the picture of an item. A result goes with the
 * end of its task. A refusal cannot, for what fails hands nothing on: it is
 * appended before the task fails, under an id of its own, so that a repeat is
 * dropped.
 */
import { Clock, Effect } from "effect"
import { headersOf } from "../../domain/Envelope.ts"
import { outputIdOf } from "../../domain/ids.ts"
import type { Attachment } from "../../domain/tree/Attachment.ts"
import { Producer } from "../../runtime/Producer.ts"
import type { TaskContext } from "../../runtime/TaskContext.ts"
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

/** The tree command about the picture of an item in the owner's tree; null where no item has it. */
const attach = ({ sha256, item }: Picture, owner: string, attachment: Attachment) =>
  item === undefined
    ? Effect.succeed(null)
    : Topic.output(treeCommands, owner, {
        by: owner,
        admin: false,
        command: { kind: "attach", item: item.id, gen: item.gen, sha256, attachment }
      })

/** What a task that succeeds hands on. */
export const handedOn = (picture: Picture, owner: string, converted: ConvertedBlob) =>
  Effect.map(attach(picture, owner, attachmentOf(converted)), (output) => (output === null ? [] : [output]))

/** Its place among what a task hands on; the dead letter has the one before. */
const refusalPlace = -2

const longestMessage = 1_000

/** Says that nothing could be made of the picture; returns when that is on disk. */
export const tellRefusal = Effect.fnUntraced(function* (
  picture: Picture,
  owner: string,
  { reason, message }: Refusal,
  task: TaskContext
) {
  const output = yield* attach(picture, owner, { kind: "failed", reason, message: message.slice(0, longestMessage) })
  if (output === null) return
  const producer = yield* Producer
  const headers = headersOf({
    id: outputIdOf(task.id, refusalPlace),
    type: output.type,
    source: `/postroom/${task.queue}`,
    time: yield* Clock.currentTimeMillis
  })
  yield* producer.send([{ topic: output.topic, key: output.key, value: output.value, headers }])
})
