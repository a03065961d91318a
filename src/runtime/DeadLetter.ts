/**
 * What could not be done goes to `<topic>.dlq`: the original bytes, key and
 * headers, with the cause in headers. The names are those that Spring's
 * `DeadLetterPublishingRecoverer` writes, so tools that read its dead letters
 * read ours.
 */
import type { OutgoingRecord } from "../broker/Record.ts"
import type { TaskRecord } from "../domain/Task.ts"
import { outputIdOf } from "../domain/ids.ts"
import { deadLetterNameOf } from "../topics/Topic.ts"

/** The stack is cut: a dead letter that is too large for its topic would be lost. */
const longestCause = 4_096

/** The dead letter of a task. Its id is made of the task's, so a repeat is dropped. */
export const deadLetterOf = (of: {
  readonly task: string
  readonly queue: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly queuedAt: number
  readonly attempts: number
  readonly record: TaskRecord
  readonly reason: string
  readonly detail: string | null
}): OutgoingRecord => ({
  topic: deadLetterNameOf(of.topic),
  key: of.record.key,
  value: of.record.value,
  headers: {
    ...of.record.headers,
    ce_id: outputIdOf(of.task, -1),
    "x-dlq-id": of.record.headers["ce_id"] ?? "",
    "x-dlq-task": of.task,
    "x-dlq-queue": of.queue,
    "x-dlq-attempts": String(of.attempts),
    "kafka_dlt-exception-fqcn": "postroom.TaskFailed",
    "kafka_dlt-exception-message": of.reason.slice(0, longestCause),
    "kafka_dlt-exception-stacktrace": (of.detail ?? "").slice(0, longestCause),
    "kafka_dlt-original-topic": of.topic,
    "kafka_dlt-original-partition": String(of.partition),
    "kafka_dlt-original-offset": String(of.offset),
    "kafka_dlt-original-timestamp": String(of.queuedAt),
    "kafka_dlt-original-timestamp-type": "LogAppendTime",
    "kafka_dlt-original-consumer-group": of.queue
  }
})
