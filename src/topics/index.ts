/** All topics of Postroom. The type of a topic is the event type a client may post to it. */
import { contentCommands } from "./contentCommands.ts"
import { exportsRequested } from "./exportsRequested.ts"
import { imagesRequested } from "./imagesRequested.ts"
import { mediaBackfill } from "./mediaBackfill.ts"
import { mediaUploaded } from "./mediaUploaded.ts"
import { postsCollected } from "./postsCollected.ts"
import { postsReady } from "./postsReady.ts"
import { sourcesDue } from "./sourcesDue.ts"
import { treeCommands } from "./treeCommands.ts"
import type { Topic } from "./Topic.ts"

export const topics: ReadonlyArray<Topic<any>> = [
  sourcesDue,
  postsCollected,
  imagesRequested,
  postsReady,
  mediaUploaded,
  mediaBackfill,
  treeCommands,
  contentCommands,
  exportsRequested
]
