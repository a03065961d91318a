/** A page of a channel as `t.me/s/<channel>` shows it: twelve posts, oldest on top, and a way back. */
import type { WorldChannel, WorldPost } from "../telegram/WorldModel.ts"
import { formattedHtml } from "./formattedHtml.ts"

const postsPerPage = 12

const escape = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;")

/** Messages of one album together, in the place of its first message. */
const groupsOf = (posts: ReadonlyArray<WorldPost>): ReadonlyArray<readonly [WorldPost, ...ReadonlyArray<WorldPost>]> =>
  [...Map.groupBy(posts, (post) => post.groupedId ?? `single ${post.id}`).values()].flatMap(([first, ...rest]) =>
    first === undefined ? [] : [[first, ...rest] as const]
  )

const photoHtml = (channel: WorldChannel, post: WorldPost, base: string, classes: string, suffix: string) =>
  post.photo === undefined
    ? ""
    : `<a class="tgme_widget_message_photo_wrap ${classes}" href="https://t.me/${channel.username}/${post.id}${suffix}" style="width:${post.photo.width}px;background-image:url('${base}/pictures/${post.photo.name}')"><div class="tgme_widget_message_photo" style="padding-top:${((100 * post.photo.height) / post.photo.width).toFixed(2)}%"></div></a>`

const mediaHtml = (channel: WorldChannel, group: ReadonlyArray<WorldPost>, base: string) => {
  if (group.length > 1)
    return `<div class="tgme_widget_message_grouped_wrap"><div class="tgme_widget_message_grouped"><div class="tgme_widget_message_grouped_layer">${group.map((post) => photoHtml(channel, post, base, "grouped_media_wrap", "?single")).join("")}</div></div></div>`
  const [post] = group
  if (post?.video !== undefined)
    return `<a class="tgme_widget_message_video_player" href="https://t.me/${channel.username}/${post.id}"><video src="${base}/pictures/${post.video.name}" class="tgme_widget_message_video js-message_video" width="100%"></video><time class="message_video_duration">0:0${Math.round(post.video.durationSeconds)}</time></a>`
  return post === undefined ? "" : photoHtml(channel, post, base, "", "")
}

const messageHtml = (
  channel: WorldChannel,
  group: readonly [WorldPost, ...ReadonlyArray<WorldPost>],
  base: string,
  titles: ReadonlyMap<string, WorldChannel>
) => {
  const [first] = group
  const origin = first.forward === undefined ? undefined : titles.get(first.forward.channelId)
  const forwarded =
    origin === undefined
      ? ""
      : `<div class="tgme_widget_message_forwarded_from accent_color">Forwarded from <a class="tgme_widget_message_forwarded_from_name" href="https://t.me/${origin.username}/${first.forward?.postId}"><span dir="auto">${escape(origin.title)}</span></a></div>`
  const text =
    first.text === ""
      ? ""
      : `<div class="tgme_widget_message_text js-message_text" dir="auto">${formattedHtml({ text: first.text, entities: first.entities ?? [] })}</div>`
  const at = new Date(first.date * 1000).toISOString().replace(".000Z", "+00:00")
  return `<div class="tgme_widget_message_wrap js-widget_message_wrap"><div class="tgme_widget_message text_not_supported_wrap${first.service === true ? " service_message" : ""} js-widget_message" data-post="${channel.username}/${first.id}"><div class="tgme_widget_message_bubble"><div class="tgme_widget_message_author accent_color"><a class="tgme_widget_message_owner_name" href="https://t.me/${channel.username}"><span dir="auto">${escape(channel.title)}</span></a></div>${forwarded}${mediaHtml(channel, group, base)}${first.service === true ? '<div class="tgme_widget_message_text js-message_text" dir="auto">Channel created</div>' : text}<div class="tgme_widget_message_footer compact js-message_footer"><div class="tgme_widget_message_info short js-message_info"><span class="tgme_widget_message_meta">${first.editDate === undefined ? "" : "edited "}<a class="tgme_widget_message_date" href="https://t.me/${channel.username}/${first.id}"><time datetime="${at}" class="time">${at.slice(11, 16)}</time></a></span></div></div></div></div></div>`
}

/** The page with the newest posts below id `before` (all when undefined). `channels` gives the titles of forwards' origins. */
export const channelPage = (
  channel: WorldChannel,
  channels: ReadonlyArray<WorldChannel>,
  base: string,
  before: number | undefined
): string => {
  const groups = groupsOf((channel.posts ?? []).filter((post) => before === undefined || post.id < before))
  const shown = groups.slice(-postsPerPage)
  const oldest = shown[0]?.[0].id
  const more =
    groups.length > shown.length && oldest !== undefined
      ? `<a href="/s/${channel.username}?before=${oldest}" class="tme_messages_more js-messages_more" data-before="${oldest}"></a>`
      : ""
  const titles = new Map(channels.map((other) => [other.id, other]))
  return `<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>${escape(channel.title)} – Telegram</title><meta property="og:title" content="${escape(channel.title)}"></head>
<body><div class="tgme_channel_info"><div class="tgme_channel_info_header"><div class="tgme_channel_info_header_title"><span dir="auto">${escape(channel.title)}</span></div></div></div>
<section class="tgme_channel_history js-message_history">${more}
${shown.map((group) => messageHtml(channel, group, base, titles)).join("\n")}
</section></body></html>
`
}
