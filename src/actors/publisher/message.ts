/** A rewritten post as Telegram takes it: plain text with spans, within the limits, links untouched. */
import type { RewrittenPost } from "../../domain/Post.ts"
import { cutText } from "../../services/telegram/textCut.ts"
import type { FormattedText, TextEntity } from "../../services/telegram/TextEntity.ts"

const tagOf = (tag: string): string => `#${tag.replaceAll(/[^\p{L}\p{N}_]/gu, "")}`

/**
 * Title in bold, text, tags, and the source as a link, at most `limit` UTF-16
 * units: the text gives way, title and source stay.
 */
export const messageOf = (post: RewrittenPost, limit: number): FormattedText => {
  const tags = post.tags
    .map(tagOf)
    .filter((tag) => tag.length > 1)
    .join(" ")
  const sourceLabel = "Source"
  const tail = [tags, post.url === null ? "" : sourceLabel].filter((part) => part !== "").join("\n")
  const head = post.title === "" ? "" : `${post.title}\n\n`
  const room = limit - head.length - (tail === "" ? 0 : tail.length + 2)
  const body = cutText({ text: post.text, entities: [] }, Math.max(0, room)).text
  const said = `${head}${body}`.trimEnd()
  const text = [said, tail].filter((part) => part !== "").join("\n\n")
  const entities: Array<TextEntity> = post.title === "" ? [] : [{ type: "bold", offset: 0, length: post.title.length }]
  if (post.url !== null) {
    entities.push({
      type: "text_url",
      offset: text.length - sourceLabel.length,
      length: sourceLabel.length,
      url: post.url
    })
  }
  return { text, entities }
}
