/** Tables of the topics that live in Postgres. */
import type { Migration } from "../../database/Migration.ts"

const component = "broker"

export const brokerMigrations: ReadonlyArray<Migration> = [
  {
    component,
    version: 1,
    name: "topics, records, consumer groups",
    statements: [
      `CREATE TABLE topic (
        id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text NOT NULL UNIQUE,
        partitions int NOT NULL CHECK (partitions > 0),
        retention_ms bigint NOT NULL)`,
      // The row lock here is what gives offsets their order. It is updated by every append: room for HOT updates.
      `CREATE TABLE topic_partition (
        topic smallint NOT NULL REFERENCES topic (id),
        partition int NOT NULL,
        first_offset bigint NOT NULL DEFAULT 0,
        next_offset bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (topic, partition)) WITH (fillfactor = 10)`,
      `CREATE TABLE record (
        topic smallint NOT NULL,
        partition int NOT NULL,
        "offset" bigint NOT NULL,
        key bytea,
        value bytea,
        headers text NOT NULL,
        at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (topic, partition, "offset"))`,
      // A member is alive while the advisory lock of its session is held, see Session.ts.
      `CREATE TABLE group_member (
        group_name text NOT NULL,
        topic smallint NOT NULL REFERENCES topic (id),
        session bigint NOT NULL,
        seen_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (group_name, topic, session))`,
      `CREATE TABLE group_claim (
        group_name text NOT NULL,
        topic smallint NOT NULL REFERENCES topic (id),
        partition int NOT NULL,
        session bigint,
        wanted_since timestamptz,
        committed bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (group_name, topic, partition)) WITH (fillfactor = 10)`
    ]
  },
  {
    component,
    version: 2,
    name: "topics in Kafka: members by its names, records on their way there",
    statements: [
      `ALTER TABLE group_member ADD COLUMN member_id text`,
      // In the order of their numbers; gone once Kafka has them.
      `CREATE TABLE outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        topic text NOT NULL,
        partition int,
        key bytea,
        value bytea,
        headers text NOT NULL)`,
      // Offsets mean nothing in another log: where it is another one, that is seen by this.
      `CREATE TABLE log_home (home text NOT NULL)`,
      `INSERT INTO log_home VALUES ('postgres')`
    ]
  },
  {
    component,
    version: 3,
    name: "topics that grow",
    statements: [
      // What the program asked for when the topic was made: it may go on asking for that after the topic has grown.
      `ALTER TABLE topic ADD COLUMN declared int`,
      `UPDATE topic SET declared = partitions`,
      `ALTER TABLE topic ALTER COLUMN declared SET NOT NULL`,
      // Of how many partitions this is one: who appends by another number of them is told by the row it locks.
      `ALTER TABLE topic_partition ADD COLUMN among int`,
      `UPDATE topic_partition p SET among = t.partitions FROM topic t WHERE t.id = p.topic`,
      `ALTER TABLE topic_partition ALTER COLUMN among SET NOT NULL`
    ]
  }
]
