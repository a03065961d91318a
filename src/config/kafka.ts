/** How Postroom gets to Kafka, where the topics are there. */
import { optional, secret, text, word } from "./Setting.ts"

export const kafkaBrokers = optional({
  key: "KAFKA_BROKERS",
  about: "Kafka brokers (3.0 or newer) that hold the topics instead of PostgreSQL, which keeps everything else.",
  shape: "host:port, separated by commas",
  example: "kafka-1:9092,kafka-2:9092"
})

export const kafkaPrefix = text({
  key: "KAFKA_PREFIX",
  about: "Put before the names of topics and groups, where several installations share a cluster.",
  shape: "letters, digits, dots, - and _",
  example: "staging.",
  fallback: ""
})

export const kafkaTls = word(
  {
    key: "KAFKA_TLS",
    about: "Whether the brokers are spoken to by TLS. NODE_EXTRA_CA_CERTS names a file with an authority of your own.",
    example: "on",
    fallback: "off"
  },
  ["off", "on"]
)

export const kafkaSasl = word(
  {
    key: "KAFKA_SASL",
    about: "How to log in to the brokers.",
    example: "scram-sha-512",
    fallback: "none"
  },
  ["none", "plain", "scram-sha-256", "scram-sha-512"]
)

export const kafkaUser = text({
  key: "KAFKA_USERNAME",
  about: "Name to log in with, where KAFKA_SASL is set.",
  shape: "text",
  example: "postroom",
  fallback: ""
})

export const kafkaPassword = secret({
  key: "KAFKA_PASSWORD",
  about: "Password to log in with, where KAFKA_SASL is set.",
  shape: "text",
  example: "secret"
})
