/** Brings content of items in from the web. Items are independent of each other here: the key is the item. */
import * as Actor from "../../runtime/Actor.ts"
import { contentCommands } from "../../topics/contentCommands.ts"
import { fetchContent } from "./fetch.ts"

export const makeContent = (off: string | null) =>
  Actor.make({
    name: "content",
    topic: contentCommands,
    handler: fetchContent,
    retry: { attempts: 6, backoffMs: 2_000, capMs: 120_000 },
    // 2,500 MiB at 1 MiB/s.
    timeoutMs: 45 * 60_000,
    concurrency: 8,
    priority: "medium",
    off
  })
