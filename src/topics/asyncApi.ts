/**
 * The topics as an AsyncAPI 3.0 document: what a producer or a reader that is
 * not Postroom needs to know of names, keys, headers (CloudEvents 1.0 in
 * Kafka's binary mode) and values. Made from the same Schemas that every
 * record is checked by.
 */
import { Duration, JsonSchema, Schema } from "effect"
import { deadLetterNameOf } from "./Topic.ts"
import type { Topic } from "./Topic.ts"

/** Version of AsyncAPI's bindings for Kafka that the document keeps to. */
const bindingVersion = "0.5.0"

const text = (description: string) => ({ type: "string", description })

const cloudEvent = {
  type: "object",
  description:
    "CloudEvents 1.0, each attribute as a header in UTF-8. A record without them is taken too: its place (topic/partition/offset) is its id then, and its type the topic's.",
  properties: {
    ce_id: { ...text("Names the event: what bears an id that was seen already is dropped."), maxLength: 256 },
    ce_type: { ...text("Type of the event; by default the topic's."), maxLength: 256 },
    ce_source: text("Who made it."),
    ce_time: { ...text("When it was made."), format: "date-time" },
    ce_specversion: { type: "string", const: "1.0" },
    ce_flow: { ...text("Id of the event that this one descends from."), maxLength: 256 },
    ce_priority: { type: "string", enum: ["high", "medium", "low"], default: "medium" },
    traceparent: text("W3C Trace Context.")
  }
}

const deadLetter = {
  type: "object",
  description: "The headers of the record that could not be worked off, and what became of it.",
  properties: {
    "x-dlq-id": text("The record's own ce_id; empty where it had none."),
    "x-dlq-task": text("Id of the task, as the API names it."),
    "x-dlq-queue": text("The queue whose task failed."),
    "x-dlq-attempts": text("How often it was tried."),
    "kafka_dlt-exception-fqcn": text("Always postroom.TaskFailed."),
    "kafka_dlt-exception-message": text("Why it failed."),
    "kafka_dlt-exception-stacktrace": text("More of it; may be empty."),
    "kafka_dlt-original-topic": text("Where the record stands."),
    "kafka_dlt-original-partition": text("Decimal."),
    "kafka_dlt-original-offset": text("Decimal."),
    "kafka_dlt-original-timestamp": text("When it came, ms since the epoch."),
    "kafka_dlt-original-timestamp-type": text("Always LogAppendTime."),
    "kafka_dlt-original-consumer-group": text("The queue's consumer group.")
  }
}

const key = {
  type: ["string", "null"],
  description:
    "The user or owner in UTF-8, at most 1,024 bytes. Records of one key are worked off one by one, in order; those without a key beside all others."
}

const reference = (...names: ReadonlyArray<string>) => ({ $ref: `#/${names.join("/")}` })

/** The name of a definition among those of all topics, of letters that a component's name may have. */
const componentOf = (type: string, definition: string): string => `${type}.${definition}`.replaceAll(/[^\w.-]/g, "_")

/** The definition that a reference names, its escapes undone. */
const definitionIn = (segment: string): string =>
  decodeURIComponent(segment).replaceAll("~1", "/").replaceAll("~0", "~")

/** The value's schema in JSON Schema draft 7, which AsyncAPI builds upon; its definitions become components under the type's name. */
const valueOf = ({ type, value }: Topic<any>) => {
  const { schema, definitions } = JsonSchema.toDocumentDraft07(
    Schema.toJsonSchemaDocument(value, { onExcessProperty: "error" })
  )
  const refer = (one: JsonSchema.JsonSchema): JsonSchema.JsonSchema =>
    JSON.parse(JSON.stringify(one), (name, member) =>
      name === "$ref" && typeof member === "string"
        ? member.replace(
            /^#\/definitions\/([^/]+)/,
            (_, segment: string) => `#/components/schemas/${componentOf(type, definitionIn(segment))}`
          )
        : member
    )
  return {
    payload: refer(schema),
    schemas: Object.fromEntries(Object.entries(definitions).map(([name, one]) => [componentOf(type, name), refer(one)]))
  }
}

const channelOf = (
  topic: Topic<any>,
  address: string,
  description: string,
  message: string,
  kept: Duration.Duration
) => ({
  address,
  description: `${description} Postroom removes what is older than ${Duration.format(kept)} and has been read by all its queues.`,
  messages: { [message]: reference("components", "messages", message) },
  bindings: {
    kafka: {
      topic: address,
      partitions: topic.partitions,
      // Kafka itself removes nothing: it does not know what is still to be read.
      topicConfiguration: { "cleanup.policy": ["delete"], "retention.ms": -1 },
      bindingVersion
    }
  }
})

const operationOf = (action: "send" | "receive", address: string, message: string) => ({
  action,
  channel: reference("channels", address),
  messages: [reference("channels", address, "messages", message)]
})

/** The document for `topics`, as `version` of Postroom has them. */
export const asyncApiOf = (topics: ReadonlyArray<Topic<any>>, version: string) => {
  const described = topics.map((topic) => ({
    topic,
    ...valueOf(topic),
    dead: deadLetterNameOf(topic.name),
    deadMessage: `${topic.type}.failed`
  }))
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Postroom's topics",
      version,
      description:
        "Any Kafka client may write to these topics and read them. A record goes where Kafka's default partitioner puts its key (murmur2). Where KAFKA_PREFIX is set, it stands before every name.",
      license: { name: "MIT" }
    },
    defaultContentType: "application/json",
    servers: {
      kafka: {
        host: "{broker}",
        protocol: "kafka",
        description: "One of KAFKA_BROKERS.",
        variables: { broker: { default: "localhost:9092", description: "host:port" } }
      }
    },
    channels: Object.fromEntries(
      described.flatMap(({ topic, dead, deadMessage }) => [
        [topic.name, channelOf(topic, topic.name, topic.description, topic.type, topic.retention)],
        [
          dead,
          channelOf(
            topic,
            dead,
            `What could not be done with records of ${topic.name}.`,
            deadMessage,
            Duration.times(topic.retention, 4)
          )
        ]
      ])
    ),
    operations: Object.fromEntries(
      described.flatMap(({ topic, dead, deadMessage }) => [
        [`receive.${topic.name}`, operationOf("receive", topic.name, topic.type)],
        [`send.${topic.name}`, operationOf("send", topic.name, topic.type)],
        [`send.${dead}`, operationOf("send", dead, deadMessage)]
      ])
    ),
    components: {
      messages: Object.fromEntries(
        described.flatMap(({ topic, payload, deadMessage }) => [
          [
            topic.type,
            {
              name: topic.type,
              summary: topic.description,
              contentType: "application/json",
              headers: reference("components", "schemas", "cloudEvent"),
              payload,
              bindings: { kafka: { key, bindingVersion } }
            }
          ],
          [
            deadMessage,
            {
              name: deadMessage,
              summary: `The bytes of a record of ${topic.name} as they came, whatever they are.`,
              contentType: "application/octet-stream",
              headers: { allOf: [reference("components", "schemas", "cloudEvent"), deadLetter] },
              payload: {},
              bindings: { kafka: { key, bindingVersion } }
            }
          ]
        ])
      ),
      schemas: Object.assign({ cloudEvent }, ...described.map(({ schemas }) => schemas))
    }
  }
}
