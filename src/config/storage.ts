/** Where Postroom keeps what it knows. */
import { optional, secret, text } from "./Setting.ts"

export const dataDir = text({
  key: "DATA_DIR",
  about: "Folder of the embedded PostgreSQL and of the files. Made when it is missing.",
  shape: "a path",
  example: "/var/lib/postroom",
  fallback: "./data"
})

export const databaseUrl = secret({
  key: "DATABASE_URL",
  about: "A PostgreSQL (15 or newer) to use instead of the embedded one.",
  shape: "a postgresql:// address",
  example: "postgresql://postroom:secret@db.example:5432/postroom"
})

export const kafkaBrokers = optional({
  key: "KAFKA_BROKERS",
  about: "Kafka brokers that hold the topics instead of PostgreSQL. Not in this version yet: the start is refused.",
  shape: "host:port, separated by commas",
  example: "kafka-1:9092,kafka-2:9092"
})
