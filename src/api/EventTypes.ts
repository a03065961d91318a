/** Which event types this installation takes, and where each goes: what its topics and queues make of it. */
import { Context } from "effect"
import type { Topic } from "../topics/Topic.ts"

export interface EventType {
  readonly type: string
  readonly topic: Topic<any>
  /** Queues that read the topic, in the order in which they are known; the first one's task is the event's. */
  readonly queues: ReadonlyArray<string>
}

export class EventTypes extends Context.Service<EventTypes, ReadonlyMap<string, EventType>>()(
  "postroom/api/EventTypes"
) {}

/** The event types of a list of queues. */
export const eventTypesOf = (
  queues: ReadonlyArray<{ readonly name: string; readonly topic: Topic<any> }>
): ReadonlyMap<string, EventType> => {
  const types = new Map<string, EventType>()
  for (const { name, topic } of queues) {
    const known = types.get(topic.type)
    types.set(topic.type, { type: topic.type, topic, queues: [...(known?.queues ?? []), name] })
  }
  return types
}
