/**
 * Which blobs there are and who refers to them. The store is asked for bytes,
 * these rows for everything else: a blob that no row refers to goes, with a
 * grace, and one that a row refers to is there.
 */
import type { Migration } from "../../database/Migration.ts"

export const contentMigrations: ReadonlyArray<Migration> = [
  {
    component: "content",
    version: 1,
    name: "blobs and who refers to them",
    statements: [
      // Marked by `unreferenced_at` is what the sweep may take, and whose bytes may be gone; without it, they are there.
      `CREATE TABLE blob (
        sha256 text COLLATE "C" PRIMARY KEY,
        size bigint NOT NULL,
        media_type text NOT NULL,
        unreferenced_at timestamptz)`,
      `CREATE INDEX blob_unreferenced ON blob (unreferenced_at) WHERE unreferenced_at IS NOT NULL`,
      // What an item shows: its content, and the pictures made of it, by the generation of the content.
      `CREATE TABLE item_blob (
        item uuid NOT NULL,
        role text NOT NULL,
        sha256 text COLLATE "C" NOT NULL REFERENCES blob (sha256),
        width int,
        height int,
        gen int NOT NULL,
        PRIMARY KEY (item, role))`,
      `CREATE INDEX item_blob_sha256 ON item_blob (sha256)`,
      // Content on its way to an item, held by the task that will put it there; or by anybody else, until a time.
      `CREATE TABLE blob_hold (
        sha256 text COLLATE "C" NOT NULL REFERENCES blob (sha256),
        holder uuid NOT NULL,
        at timestamptz NOT NULL DEFAULT now(),
        until timestamptz,
        PRIMARY KEY (holder, sha256))`,
      `CREATE INDEX blob_hold_sha256 ON blob_hold (sha256)`
    ]
  },
  {
    component: "content",
    version: 2,
    name: "exports",
    statements: [
      // One row for each export that was made. It keeps its file (`sha256`) until it has expired or is removed (`gone`
      // says which); the row stays, so that it can be told.
      `CREATE TABLE export (
        id uuid PRIMARY KEY,
        requested_by text NOT NULL,
        format text NOT NULL,
        sha256 text COLLATE "C" REFERENCES blob (sha256),
        size bigint NOT NULL,
        items int NOT NULL,
        files int NOT NULL,
        skipped int NOT NULL,
        skips text NOT NULL,
        made_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        gone text)`,
      `CREATE INDEX export_sha256 ON export (sha256) WHERE sha256 IS NOT NULL`,
      `CREATE INDEX export_due ON export (expires_at) WHERE gone IS NULL`,
      // The exports that a user asked for, the newest first.
      `CREATE INDEX event_export ON event (user_key, at, task) WHERE type = 'export.requested'`
    ]
  }
]
