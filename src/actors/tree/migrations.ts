/** Tables of the item trees. All rows of an owner are written by the owner's mailbox only; the API reads them. */
import type { Migration } from "../../database/Migration.ts"

const component = "tree"

export const treeMigrations: ReadonlyArray<Migration> = [
  {
    component,
    version: 1,
    name: "items, tags, rights, what each user sees of each tag",
    statements: [
      `CREATE TABLE tree_user (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE)`,
      `CREATE TABLE tree_tag (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE)`,
      // The row is locked by every command of the owner. Partition and epoch are those of the newest process that wrote.
      `CREATE TABLE tree_owner (
        owner int PRIMARY KEY REFERENCES tree_user (id),
        seq bigint NOT NULL DEFAULT 0,
        next_slot bigint NOT NULL DEFAULT 0,
        is_public boolean NOT NULL DEFAULT false,
        partition int NOT NULL DEFAULT -1,
        epoch bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50)`,
      `CREATE TABLE item (
        id uuid PRIMARY KEY,
        owner int NOT NULL REFERENCES tree_owner (owner),
        parent uuid REFERENCES item (id),
        slot bigint NOT NULL,
        type text NOT NULL,
        name text NOT NULL,
        words tsvector NOT NULL,
        created_seq bigint NOT NULL)`,
      `CREATE INDEX item_child ON item (parent, slot) WHERE parent IS NOT NULL`,
      `CREATE INDEX item_top ON item (owner, slot) WHERE parent IS NULL`,
      `CREATE INDEX item_word ON item USING gin (words)`,
      // What changes by whole branches stands apart, in short rows. What such a change writes (eff_tags, viewers,
      // deleted_with) is in no index, and every page has room for as much again: it touches nothing but these pages.
      `CREATE TABLE item_state (
        id uuid PRIMARY KEY REFERENCES item (id),
        owner int NOT NULL,
        path text COLLATE "C" NOT NULL,
        own_tags int[] NOT NULL,
        eff_tags int[] NOT NULL,
        viewers int[] NOT NULL,
        deleted_with uuid) WITH (fillfactor = 50)`,
      `CREATE UNIQUE INDEX item_path ON item_state (owner, path)`,
      // Where a tag begins: what has it is what stands at or below one of these.
      `CREATE TABLE item_own_tag (
        owner int NOT NULL,
        tag int NOT NULL,
        item uuid NOT NULL REFERENCES item (id),
        PRIMARY KEY (owner, tag, item))`,
      // How many live items of an owner a viewer sees that have a tag. Viewer 0 is everybody, for public owners.
      `CREATE TABLE viewer_tag (
        viewer int NOT NULL,
        owner int NOT NULL,
        tag int NOT NULL,
        n bigint NOT NULL CHECK (n > 0),
        PRIMARY KEY (viewer, tag, owner)) WITH (fillfactor = 50)`,
      `CREATE TABLE tree_operation (
        owner int NOT NULL,
        seq bigint NOT NULL,
        command uuid NOT NULL UNIQUE,
        kind text NOT NULL,
        requested_by text NOT NULL,
        result text NOT NULL,
        begun_at timestamptz NOT NULL,
        ended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (owner, seq))`,
      // Which commands of an owner have been accepted last.
      `CREATE INDEX event_tree ON event (user_key, at) WHERE type = 'tree.command'`
    ]
  },
  {
    component,
    version: 2,
    name: "content of items",
    statements: [
      // Only of items that have content, or are to have some. The blobs themselves stand in item_blob.
      `CREATE TABLE item_content (
        item uuid PRIMARY KEY REFERENCES item (id),
        owner int NOT NULL,
        gen int NOT NULL,
        status text NOT NULL,
        reason text,
        message text,
        url text,
        width int,
        height int,
        thumbhash text,
        degraded text,
        exif text,
        flow text)`,
      // By which an item that is removed for good is looked for.
      `CREATE INDEX item_own_tag_item ON item_own_tag (item)`
    ]
  },
  {
    component,
    version: 3,
    name: "when branches were deleted",
    statements: [
      // One row for each deletion that stands: that of the item with which the others went.
      `CREATE TABLE deleted_branch (
        item uuid PRIMARY KEY REFERENCES item (id),
        owner int NOT NULL,
        at timestamptz NOT NULL)`,
      `CREATE INDEX deleted_branch_at ON deleted_branch (at, item)`,
      // Nobody knows when these were: their time begins now.
      `INSERT INTO deleted_branch SELECT id, owner, now() FROM item_state WHERE deleted_with = id`
    ]
  }
]
