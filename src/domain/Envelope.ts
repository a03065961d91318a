/**
 * What a record says about itself: CloudEvents 1.0 in Kafka's binary mode
 * (attributes as `ce_` headers). A bare record, a key and a value from any
 * producer, is read too: its place in the log is its id then.
 */
import type { Priority } from "./Outcome.ts"
import { isStorableName } from "./StoredName.ts"

export interface Envelope {
  readonly id: string
  readonly type: string
  readonly flow: string | null
  readonly priority: Priority
}

type Headers = Readonly<Record<string, string>>

/**
 * The envelope of a record. `place` is topic/partition/offset, `defaultType`
 * the topic's. Ids that could not be stored (empty, too long, with NUL or half
 * of a surrogate pair, which would make one id of two) are replaced by the
 * place, so no producer can stop a partition.
 */
export const envelopeOf = (headers: Headers, place: () => string, defaultType: string): Envelope => {
  const id = headers["ce_id"]
  const type = headers["ce_type"]
  const flow = headers["ce_flow"]
  const priority = headers["ce_priority"]
  return {
    id: isStorable(id) ? id : place(),
    type: isStorable(type) ? type : defaultType,
    flow: isStorable(flow) ? flow : null,
    priority: priority === "high" || priority === "low" ? priority : "medium"
  }
}

const isStorable = (text: string | undefined): text is string => text !== undefined && isStorableName(text)

/** Headers of a record that Postroom writes. */
export const headersOf = (of: {
  readonly id: string
  readonly type: string
  readonly source: string
  /** ms since the epoch. */
  readonly time: number
  readonly flow?: string | null | undefined
  readonly priority?: Priority | undefined
  readonly traceparent?: string | undefined
}): Headers => {
  const headers: Record<string, string> = {
    ce_id: of.id,
    ce_type: of.type,
    ce_source: of.source,
    ce_time: new Date(of.time).toISOString(),
    ce_specversion: "1.0"
  }
  if (of.flow !== undefined && of.flow !== null) headers["ce_flow"] = of.flow
  if (of.priority !== undefined && of.priority !== "medium") headers["ce_priority"] = of.priority
  if (of.traceparent !== undefined) headers["traceparent"] = of.traceparent
  return headers
}
