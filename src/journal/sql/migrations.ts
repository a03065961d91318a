/** Tables of the journal: the durable state of tasks and what steers them. */
import type { Migration } from "../../database/Migration.ts"

const component = "journal"

export const journalMigrations: ReadonlyArray<Migration> = [
  {
    component,
    version: 1,
    name: "queues, tasks, control, schedules, events",
    statements: [
      `CREATE TABLE queue (
        id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text NOT NULL UNIQUE,
        topic text NOT NULL,
        priority text NOT NULL,
        off text)`,
      `CREATE TABLE assignment (
        queue smallint NOT NULL REFERENCES queue (id),
        partition int NOT NULL,
        epoch bigint NOT NULL,
        owner text NOT NULL,
        clean boolean NOT NULL,
        next_offset bigint NOT NULL DEFAULT 0,
        leased_at timestamptz NOT NULL,
        PRIMARY KEY (queue, partition)) WITH (fillfactor = 10)`,
      // key, headers and value are kept only while a task may still run: unfinished ones, and failed ones for a retry.
      `CREATE TABLE task (
        id uuid PRIMARY KEY,
        seq bigint GENERATED ALWAYS AS IDENTITY,
        queue smallint NOT NULL,
        partition int NOT NULL,
        "offset" bigint NOT NULL,
        user_key text,
        type text NOT NULL,
        flow text,
        priority smallint NOT NULL,
        state smallint NOT NULL,
        attempt smallint NOT NULL,
        crashes smallint NOT NULL,
        emitted int NOT NULL,
        queued_at timestamptz NOT NULL,
        started_at timestamptz,
        ended_at timestamptz,
        not_before timestamptz,
        reason text,
        result text,
        progress text,
        key bytea,
        value bytea,
        headers text)`,
      `CREATE INDEX task_seq ON task (seq)`,
      `CREATE INDEX task_user ON task (user_key, seq)`,
      `CREATE INDEX task_flow ON task (flow) WHERE flow IS NOT NULL`,
      `CREATE INDEX task_unfinished ON task (queue, partition, "offset") WHERE state < 2`,
      `CREATE INDEX task_ended_badly ON task (seq) WHERE state > 2`,
      `CREATE TABLE attempt (
        task uuid NOT NULL, number int NOT NULL, started_at timestamptz NOT NULL, ended_at timestamptz NOT NULL,
        outcome text NOT NULL, reason text, detail text,
        PRIMARY KEY (task, number, started_at))`,
      `CREATE TABLE step (
        task uuid NOT NULL, name text NOT NULL, result text, at timestamptz NOT NULL, PRIMARY KEY (task, name))`,
      `CREATE TABLE task_log (
        task uuid NOT NULL, seq bigint NOT NULL, at timestamptz NOT NULL, level text NOT NULL, message text NOT NULL,
        PRIMARY KEY (task, seq))`,
      `CREATE TABLE actor_state (
        queue smallint NOT NULL, key bytea NOT NULL, name text NOT NULL, value text NOT NULL,
        PRIMARY KEY (queue, key, name))`,
      `CREATE TABLE queue_control (queue text PRIMARY KEY, paused boolean NOT NULL, at timestamptz NOT NULL DEFAULT now(), by text)`,
      // An empty queue stands for all queues of the key.
      `CREATE TABLE key_control (
        key bytea NOT NULL, queue text NOT NULL DEFAULT '', paused boolean NOT NULL, at timestamptz NOT NULL DEFAULT now(),
        by text, PRIMARY KEY (key, queue))`,
      `CREATE TABLE task_command (
        task uuid NOT NULL, kind text NOT NULL, at timestamptz NOT NULL DEFAULT now(), by text, PRIMARY KEY (task, kind))`,
      `CREATE TABLE schedule (
        id text PRIMARY KEY, topic text NOT NULL, key text, type text NOT NULL, data text NOT NULL,
        timing text NOT NULL, misfire text NOT NULL, paused boolean NOT NULL DEFAULT false,
        next_at timestamptz, last_at timestamptz)`,
      `CREATE INDEX schedule_due ON schedule (next_at) WHERE NOT paused`,
      `CREATE TABLE event (
        id text PRIMARY KEY, type text NOT NULL, user_key text NOT NULL, queue text NOT NULL, task uuid NOT NULL,
        fingerprint text NOT NULL, data text NOT NULL, awaits int NOT NULL, at timestamptz NOT NULL DEFAULT now())`,
      // Records of a flow that were dropped as known: what the flow need not wait for.
      `CREATE TABLE flow_skip (
        flow text NOT NULL, task uuid NOT NULL, "offset" bigint NOT NULL, PRIMARY KEY (flow, task, "offset"))`,
      `CREATE INDEX event_task ON event (task)`,
      `CREATE INDEX event_user ON event (user_key, at)`,
      `CREATE TABLE token (
        id text PRIMARY KEY, name text NOT NULL, digest text NOT NULL, role text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(), last_used_at timestamptz)`
    ]
  },
  {
    component,
    version: 2,
    name: "the last batch of each position",
    // Of the owner whose epoch stands beside it: a lease begins anew.
    statements: [`ALTER TABLE assignment ADD COLUMN batch bigint NOT NULL DEFAULT 0`]
  },
  {
    component,
    version: 3,
    name: "flows that are to end",
    statements: [`CREATE TABLE flow_cancel (flow text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), by text)`]
  },
  {
    component,
    version: 4,
    name: "numbers of commands",
    // Asked for again, a command has another: what crosses off the one before leaves it.
    statements: [`ALTER TABLE task_command ADD COLUMN number bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY UNIQUE`]
  }
]
