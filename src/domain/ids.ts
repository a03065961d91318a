/**
 * Deterministic ids. A replayed record must give the same task, and a repeated
 * attempt the same outputs, so ids are name-based UUIDs (RFC 9562, version 5)
 * and never drawn by chance.
 */
import { hash } from "node:crypto"

/** The namespace of all Postroom ids, as the hex digits that are hashed before the name. */
const namespace = "9b1d6f1c-64c8-5c2e-9d0f-3f6c1a9b7e42"

const variants = "89ab"

/** UUID version 5 of `name` below Postroom's namespace: same name, same id, on every machine. */
export const uuidOf = (name: string): string => {
  const hex = hash("sha1", namespace + "\n" + name, "hex")
  const variant = variants[Number.parseInt(hex[16]!, 16) & 3]
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** Id of the task that `queue` makes of the record `recordId`. */
export const taskIdOf = (queue: string, recordId: string): string => uuidOf(queue + "\n" + recordId)

/** Id of the `index`-th record a task hands on; equal on every attempt, so readers can drop a repeat. */
export const outputIdOf = (taskId: string, index: number): string => uuidOf(taskId + "\n" + index)

/** Id of the record that a schedule emits for one tick (`at` in ms since the epoch). */
export const tickIdOf = (schedule: string, at: number): string => uuidOf("tick\n" + schedule + "\n" + at)

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Whether `text` is spelled like a UUID, so that it can be handed to a uuid column. */
export const isUuid = (text: string): boolean => uuidPattern.test(text)
