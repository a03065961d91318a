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
  }
]
