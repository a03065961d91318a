/** Posts of a source that are new behind a cursor, oldest first, whatever kind of source it is. */
import type { Source } from "../../domain/Post.ts"
import type { Cursor } from "./Found.ts"
import { telegramPosts } from "./telegramPosts.ts"
import { feedPosts, webPosts } from "./webPosts.ts"

/** What is new in `source` behind `cursor`. The first reading takes the newest `backfill` posts. `now` in ms. */
export const newPosts = (source: Source, cursor: Cursor, backfill: number, now: number) => {
  switch (source.kind) {
    case "telegram":
      return telegramPosts(source.username, cursor, backfill, now)
    case "web":
      return webPosts(source.username, cursor, backfill)
    case "feed":
      return feedPosts(source.url, cursor, backfill)
  }
}
